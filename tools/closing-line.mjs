// The last lines of CI: what failed or was skipped, by name, then `N passed, N failed, N skipped`. Exit code 1 when anything failed or was skipped: there nothing may be.
import { failures, total } from './tally.mjs';

const { passed, failed, skipped } = total(process.argv[2]);
for (const failure of failures(process.argv[2])) process.stdout.write(`\n✕ ${failure}\n`);
process.stdout.write(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}\n`);
process.exit(failed || skipped || !passed ? 1 : 0);
