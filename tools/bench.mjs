// `npm run bench [-- name … --peers --rows N --rounds N --pipes N --requests N --no-write]`: speed and memory beside a yardstick, in one run. It times nothing that
// could fail: it ends with 1 only when a copy is not equal or something breaks. Results: docs/reference/bench.md, raw figures in .bench/.
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureInstalled, environment, root } from './install.mjs';

ensureInstalled();
const { SF1_ROWS } = await import('./bench/lineitem.mjs');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string' }, rounds: { type: 'string', default: '4' }, pipes: { type: 'string', default: '2' }, requests: { type: 'string', default: '200' }, peers: { type: 'boolean', default: false }, write: { type: 'boolean', default: true } },
  allowNegative: true,
});
const rows = Math.min(Number(values.rows ?? SF1_ROWS), SF1_ROWS);
const options = { rows, rounds: Number(values.rounds), pipes: Number(values.pipes), requests: Number(values.requests), draws: values.write, say: (text) => { process.stderr.write(`  ${text}\n`); } };
const onlyWhenAsked = { peers: async () => (await import('./bench/peers.mjs')).peers(options) };
const benches = {
  copy: async () => (await import('./bench/copy.mjs')).copy(options),
  toParquet: async () => (await import('./bench/parquet.mjs')).toParquet(options),
  fromParquet: async () => (await import('./bench/parquet.mjs')).fromParquet(options),
  fromMysql: async () => (await import('./bench/from-mysql.mjs')).fromMysql(options),
  csvToParquet: async () => (await import('./bench/csv-to-parquet.mjs')).csvToParquet(options),
  csvAsItIs: async () => (await import('./bench/csv-to-parquet.mjs')).csvAsItIs(options),
  spill: async () => (await import('./bench/spill.mjs')).spill(options),
  memory: async () => (await import('./bench/memory.mjs')).memory(options),
  parallel: async () => (await import('./bench/parallel.mjs')).parallel(options),
  merge: async () => (await import('./bench/merge.mjs')).merge(options),
  plan: async () => (await import('./bench/requests.mjs')).plan(options),
  tasks: async () => (await import('./bench/requests.mjs')).tasks(options),
  noop: async () => (await import('./bench/requests.mjs')).idleTasks(options),
  idle: async () => (await import('./bench/idle.mjs')).idle(options),
  demo: async () => (await import('./bench/demo.mjs')).demo(options),
  sql: async () => (await import('./bench/sql.mjs')).sql(options),
};
if (values.peers) Object.assign(benches, onlyWhenAsked);
const unknown = positionals.filter((name) => !benches[name]);
if (unknown.length) { process.stderr.write(`no bench named ${unknown.join(', ')}: use ${Object.keys(benches).join(', ')}\n`); process.exit(2); }
for (const app of ['standalone', 'cli']) {
  const built = spawnSync('node', [join(root, 'tools', 'bundle.mjs')], { cwd: join(root, 'apps', app), env: environment(), stdio: ['ignore', 2, 2] });
  if (built.status !== 0) process.exit(1);
}

const results = [];
let failed = 0;
for (const name of positionals.length ? positionals : Object.keys(benches)) {
  process.stderr.write(`bench ${name}\n`);
  const [load] = loadavg();
  const result = await benches[name]().catch((error) => ({ name, failed: error.stack ?? String(error) }));
  results.push({ at: new Date().toISOString(), load, ...result });
  if (result.failed) { failed += 1; process.stderr.write(`  FAILED ${name}: ${result.failed}\n`); }
  if (result.skipped) process.stdout.write(`SKIPPED ${name}: ${result.skipped}\n`);
  for (const cells of result.lines ?? []) process.stdout.write(`${cells.filter(Boolean).join(' · ')}\n`);
}
const { writeReport } = await import('./bench/report.mjs');
if (values.write) writeReport(results);
process.exit(failed ? 1 : 0);
