// Backup and restore, with the commands of the runbook: a standalone is backed up while two runs are in its middle, goes on, and is destroyed. What is restored must end every run, double nothing, and prove its old receipts.
// Then the same for a state in a PostgreSQL of its own, at the size of `--mib N`, `--only standalone|services|deployment`, beside what that server needs for the rows alone.
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { drill } from './restore/drill.mjs';
import { external } from './restore/external.mjs';
import { services } from './restore/services.mjs';
import { commandOnPath } from './runbook.mjs';

const { values } = parseArgs({ options: { mib: { type: 'string', default: '256' }, rows: { type: 'string', default: '1200000' }, only: { type: 'string' } }, strict: false });
const say = (text) => { process.stdout.write(`  ${text}\n`); };
const must = (isSo, text) => { if (!isSo) throw new Error(`NOT SO: ${text}`); say(`ok  ${text}`); };
const bin = commandOnPath();
try {
  const isWanted = (part) => values.only === undefined || values.only === part;
  if (isWanted('standalone')) await drill({ bin, say, must, rows: Number(values.rows) });
  if (isWanted('services')) await services({ bin, say, must, rows: Number(values.rows) });
  if (isWanted('deployment')) await external({ bin, say, must, mib: Number(values.mib) });
} catch (error) {
  process.stdout.write(`${error.stack ?? error}\n`);
  process.exitCode = 1;
} finally {
  rmSync(bin, { recursive: true, force: true });
}
