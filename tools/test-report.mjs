// Jest reporter: one line of JSON per project, so that the callers can add up what passed, failed or was skipped, and name at the end what failed.
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './install.mjs';

const plain = (text) => text.replace(/\u001b\[[0-9;]*m/g, '');
/** What a reader needs to begin with: suite, test, and the start of what it said. */
const failuresOf = ({ testFilePath, testResults, testExecError }) => {
  const suite = relative(root, testFilePath);
  const failed = testResults.filter(({ status }) => status === 'failed').map(({ fullName, failureMessages }) => `${suite}: ${fullName}\n${plain(failureMessages.join('\n')).slice(0, 1_500)}`);
  return testExecError ? [...failed, `${suite}: did not run\n${plain(String(testExecError.message ?? testExecError)).slice(0, 1_500)}`] : failed;
};

class TestReport {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites, testResults }) {
    const file = process.env.ETL_TEST_REPORT;
    const sum = { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites, skipped: numPendingTests };
    if (file) appendFileSync(file, `${JSON.stringify({ ...sum, failures: testResults.flatMap(failuresOf) })}\n`);
  }
}
export { TestReport as default };
