// Adds up what suites reported: one line of JSON each, written by tools/test-report.mjs and by the parts of the proof.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cache } from './install.mjs';

/** Exit code of a step that could not run, and says why. */
export const UNABLE = 75;

/** The file that suites of this command report to; a caller's file is kept, so that CI sees one sum. */
export function openTally(name) {
  const given = process.env.ETL_TEST_REPORT;
  const file = given ?? join(cache, `${name}.report.jsonl`);
  if (!given) rmSync(file, { force: true });
  mkdirSync(dirname(file), { recursive: true });
  const add = (passed, failed, skipped = 0, failures = []) => { appendFileSync(file, `${JSON.stringify({ passed, failed, skipped, failures })}\n`); };
  return {
    file, add,
    /** Runs a step whose suites report for themselves, and answers its exit code. One that breaks before any of them could report is one failure: a sum never says less than an exit code. */
    watch: (what, step) => {
      const before = total(file).failed;
      const status = step();
      if (status !== 0 && status !== UNABLE && total(file).failed === before) add(0, 1, 0, [`${what} ended with ${status} and no suite reported why`]);
      return status;
    },
    skip: (suite, reason) => { process.stdout.write(`SKIPPED ${suite}: ${reason}\n`); add(0, 0, 1, [`${suite}: SKIPPED, ${reason}`]); },
  };
}

const reasons = join(cache, 'proof.reasons.txt');
/** A part of the proof says why it is not proven: what was printed long ago may be cut off, the last lines of CI are not. */
export const because = (reason) => { appendFileSync(reasons, `${reason.slice(0, 500)}\n`); };
/** The reasons given since this was last asked. */
export function takeReasons() {
  const given = existsSync(reasons) ? readFileSync(reasons, 'utf8').split('\n').filter(Boolean) : [];
  rmSync(reasons, { force: true });
  return given;
}

const linesOf = (file) => existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)) : [];
/** What failed or could not run, by name, over all lines. */
export const failures = (file) => linesOf(file).flatMap((line) => line.failures ?? []);

/** `{ passed, failed, skipped }` over all lines. */
export function total(file) {
  return linesOf(file).reduce((sum, { passed, failed, skipped }) => ({ passed: sum.passed + passed, failed: sum.failed + failed, skipped: sum.skipped + skipped }), { passed: 0, failed: 0, skipped: 0 });
}
