// Adds up what suites reported: one line of JSON each, written by tools/test-report.mjs and by the parts of the proof.
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cache } from './install.mjs';

/** The file that suites of this command report to; a caller's file is kept, so that CI sees one sum. */
export function openTally(name) {
  const given = process.env.ETL_TEST_REPORT;
  const file = given ?? join(cache, `${name}.report.jsonl`);
  if (!given) rmSync(file, { force: true });
  return {
    file,
    add: (passed, failed, skipped = 0) => { appendFileSync(file, `${JSON.stringify({ passed, failed, skipped })}\n`); },
    skip: (suite, reason) => { process.stdout.write(`SKIPPED ${suite}: ${reason}\n`); appendFileSync(file, `${JSON.stringify({ passed: 0, failed: 0, skipped: 1 })}\n`); },
  };
}

/** `{ passed, failed, skipped }` over all lines. */
export function total(file) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)) : [];
  return lines.reduce((sum, { passed, failed, skipped }) => ({ passed: sum.passed + passed, failed: sum.failed + failed, skipped: sum.skipped + skipped }), { passed: 0, failed: 0, skipped: 0 });
}
