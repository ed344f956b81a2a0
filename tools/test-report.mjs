// Jest reporter: one line of JSON per project, so that the callers can add up what passed, failed or was skipped.
import { appendFileSync } from 'node:fs';

class TestReport {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
    const file = process.env.ETL_TEST_REPORT;
    if (file) appendFileSync(file, `${JSON.stringify({ passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites, skipped: numPendingTests })}\n`);
  }
}
export { TestReport as default };
