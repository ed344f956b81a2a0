// `npm run proof -- chains`: random chains of steps answer alike on DuckDB and PostgreSQL, and a mistake that is planted in a printer is found.
// usage: --cases=10000; --seed=1; --planted-cases=500
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, run } from '../install.mjs';
import { startPostgres } from '../provision/postgres.mjs';

const { values } = parseArgs({ options: { cases: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' }, 'planted-cases': { type: 'string', default: '500' } } });
/** DuckDB takes the last characters where the first are asked for. */
const PLANTED = { file: 'libs/sql-safety/src/render/call-forms.ts', from: 'left: (s, n) => d`system.main.left(', to: 'left: (s, n) => d`system.main.right(' };
const say = (text) => { process.stdout.write(`  ${text}\n`); };
const work = mkdtempSync(join(tmpdir(), 'chains-'));
const server = await startPostgres();

function compared(name, cases, more = []) {
  const report = join(work, `${name}.json`);
  const status = run('node', ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', '../../node_modules/jest/bin/jest.js', '-i', '--silent=false', '--reporters', join(import.meta.dirname, 'chains', 'quiet.mjs'), '--testMatch=<rootDir>/src/expressions/chains.proof-spec.ts', ...more],
    { cwd: join(root, 'libs', 'connectors'), env: { ETL_TEST_POSTGRES_URL: server.url, ETL_TEST_CHAINS: cases, ETL_TEST_SEED: values.seed, ETL_TEST_CHAINS_REPORT: report } });
  return { status, ...JSON.parse(readFileSync(report, 'utf8')) };
}
let red = 0;
try {
  const { status, answered, failed, eager, formless, kinds, differ, cases, seed, versions } = compared('whole', values.cases);
  say(`${versions.join(' and ')}: ${cases} chains of seed ${seed}, ${answered} answered by both, ${failed} refused by both, ${eager} by one alone (it computed what a branch did not need), ${formless} without a form; ${differ.length} differences`);
  for (const [kind, count] of kinds) say(`  ${kind.padEnd(12)} ${String(count).padStart(6)} chains compared`);
  for (const { n, stages, duckdb, postgres } of differ.slice(0, 10)) say(`chain ${n} differs: ${stages}\n    DuckDB ${duckdb.slice(0, 500)}\n    PostgreSQL ${postgres.slice(0, 500)}`);
  if (status !== 0 || differ.length) red += 1;
  const planted = compared('planted', values['planted-cases'], ['--transform', JSON.stringify({ '^.+\\.ts$': [join(import.meta.dirname, 'chains', 'planted.mjs'), PLANTED] })]);
  say(`planted (${PLANTED.file}: left() is printed as right() for DuckDB): ${planted.differ.length} of ${planted.cases} chains differ, the first is ${planted.differ[0]?.n ?? 'none'}`);
  if (planted.status === 0 || planted.differ.length === 0) { red += 1; say('NOT PROVEN a planted mistake was not found'); }
} finally {
  await server.stop();
  rmSync(work, { recursive: true, force: true });
}
process.exit(red ? 1 : 0);
