// kill -9 of the worker at random moments, over every way of writing: a new table, append, upsert, swap, merge with deletes, versions (scd2), a file, and a file read back. After each the run must be
// green by itself, all that the universal oracle asks must hold, and what was committed before the kill must not have been done again. `--kills N --seed S --rows N --ways 'merge,scd2'`.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openCluster } from '../bench/lineitem.mjs';
import { workerOf } from '../bench/process-tree.mjs';
import { startStandalone, withClient } from '../provision/standalone.mjs';
import { mustBeSound } from './soundness.mjs';

const { values } = parseArgs({ options: { kills: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' }, rows: { type: 'string', default: '400000' }, ways: { type: 'string' } } });
const [kills, rows] = [Number(values.kills), Number(values.rows)];
const say = (text) => { process.stdout.write(`  ${text}\n`); };
const must = (isSo, text) => { if (!isSo) throw new Error(`NOT SO: ${text}`); };
let state = Number(values.seed) >>> 0;
const random = () => { state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; return state / 2 ** 32; };

const columns = 'id bigint primary key, customer int not null, at timestamptz not null, note text';
const fill = (table, older) => `insert into ${table} select n, n % 1000, timestamptz '2026-01-01' + n * interval '1 second', case when n % 7 = 0 then null else ${older ? `case when n % 10 = 0 then 'older' else md5(n::text) end` : 'md5(n::text)'} end from generate_series(1, ${older ? rows - 1000 : rows}) n`;
const copyOf = (table, to = {}) => ({ from: { connection: 'shop', dataset: 'public.orders' }, to: { connection: 'wh', dataset: `public.${table}`, ...to } });
const strange = (table) => `insert into ${table} select -n, 0, now(), 'nobody has this' from generate_series(1, 5000) n`;
const asHistory = (table) => [`alter table ${table} drop constraint ${table}_pkey, add valid_from timestamptz not null default '2026-01-01', add valid_to timestamptz, add is_current boolean not null default true, add primary key (id, valid_from)`,
  `create unique index on ${table} (id) where is_current`];
/** Ways of writing: what stands at the target before, and the pipeline. */
const ways = [
  { name: 'new table', before: [], pipeline: (table) => copyOf(table) },
  { name: 'append', before: (table) => [`create table ${table} (${columns})`], pipeline: (table) => copyOf(table, { load: 'append' }) },
  { name: 'upsert', before: (table) => [`create table ${table} (${columns})`, fill(table, true)], pipeline: (table) => copyOf(table, { load: 'upsert', key: ['id'] }) },
  { name: 'merge', before: (table) => [`create table ${table} (${columns})`, fill(table, true), strange(table)], pipeline: (table) => copyOf(table, { load: 'merge', key: ['id'], deletes: { atMost: '50%' } }) },
  { name: 'scd2', before: (table) => [`create table ${table} (${columns})`, fill(table, true), strange(table), ...asHistory(table)], pipeline: (table) => copyOf(table, { load: 'scd2', key: ['id'], deletes: { atMost: '50%' } }), versions: true },
  { name: 'swap', before: (table) => [`create table ${table} (${columns})`, fill(table, true), `create index on ${table} (customer)`], pipeline: (table) => copyOf(table, { load: 'replace' }) },
  { name: 'file', isFile: true, before: [], pipeline: (table) => ({ ...copyOf(table), to: { connection: 'files', dataset: `${table}.parquet` } }) },
  { name: 'from a file', before: [], pipeline: (table) => ({ from: { connection: 'files', dataset: 'orders.parquet' }, to: { connection: 'wh', dataset: `public.${table}` } }) },
].filter(({ name }) => !values.ways || values.ways.split(',').includes(name));
/** Asks for a run; what needs a person is approved here. */
async function begin(standalone, pipeline) {
  const { requestId } = await standalone.call('POST', '/v1/requests?wait=1', { pipeline, run: 'now' });
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(30)) {
    const request = await standalone.call('GET', `/v1/requests/${requestId}`);
    if (request.state === 'waiting' && request.planId) { await standalone.call('POST', `/v1/plans/${request.planId}/approve`); break; }
    if (request.runId || request.failure) break;
  }
  return requestId;
}
async function ended(standalone, requestId) {
  for (const end = Date.now() + 120_000; ; await sleep(50)) {
    const request = await standalone.call('GET', `/v1/requests/${requestId}`);
    if (request.state === 'failed') throw new Error(`it does not run: ${JSON.stringify(request)}`);
    const run = request.runId && await standalone.call('GET', `/v1/runs/${request.runId}`);
    if (run && ['succeeded', 'failed', 'cancelled'].includes(run.state)) return run;
    if (Date.now() > end) throw new Error(`not within two minutes: ${JSON.stringify(request)}`);
  }
}
/** Pieces in the ledger, by the attempt that committed them. */
const committed = (cluster, runId) => withClient(cluster.wh, async (client) => {
  const { rows: [there] } = await client.query("select to_regclass('_etl.ledger') is not null as yes");
  if (!there.yes || !runId) return [];
  return (await client.query("select attempt from _etl.ledger where run_id = $1 and chunk_key <> 'publish' and rows is not null", [runId])).rows.map(({ attempt }) => Number(attempt));
});
/** One run with a kill in it, at a moment drawn from the time that a run of its kind takes; one in five is hit twice. */
async function round(cluster, standalone, { way, nth, times }) {
  const table = `t${nth}`;
  await withClient(cluster.wh, async (client) => { for (const statement of typeof way.before === 'function' ? way.before(table) : []) await client.query(statement); await client.query('analyze'); });
  const requestId = await begin(standalone, { name: `round_${nth}`, ...way.pipeline(table) });
  const before = [];
  const began = performance.now();
  for (let hit = 0; hit < times; hit += 1) {
    await sleep(random() * way.takesMs + hit * 2500);
    const pid = workerOf(standalone);
    if (pid) try { process.kill(pid, 'SIGKILL'); } catch { /* it was being replaced */ }
    await sleep(150);
    if (!way.isFile) before.push(await committed(cluster, (await standalone.call('GET', `/v1/requests/${requestId}`)).runId));
  }
  const run = await ended(standalone, requestId);
  must(run.state === 'succeeded' && run.receipt.reconciled, `${way.name} is green: ${JSON.stringify(run.failure)}`);
  const load = run.tasks.find(({ kind }) => kind === 'load');
  const earlier = Math.max(0, ...before.map((attempts) => attempts.filter((attempt) => attempt < load.attempts).length));
  must(load.result.resumed >= Math.min(earlier, load.result.chunks), `${way.name}: ${earlier} pieces were committed by attempts before the last, ${load.result.resumed} were kept`);
  return { table, run, wall: performance.now() - began, attempts: run.tasks.reduce((sum, task) => sum + task.attempts, 0) };
}
/** A history, whose current rows the oracle holds against the source; each row that changed or vanished was ended once, each that changed or is new was begun once, all at one instant. */
const differsAsHistory = (cluster, table) => withClient(cluster.wh, async (client) => {
  const { rows: [seen] } = await client.query(`select count(*) filter (where valid_to is not null)::int as ended, count(distinct valid_to)::int as ends, count(*) filter (where valid_from > '2026-01-01')::int as begun,
    count(distinct valid_from)::int as begins, count(*) filter (where (valid_to is null) <> is_current or valid_to <= valid_from)::int as odd from ${table}`);
  const older = Array.from({ length: rows - 1000 }, (_, n) => n + 1).filter((n) => n % 10 === 0 && n % 7 !== 0).length;
  const expected = { ended: older + 5000, ends: 1, begun: older + 1000, begins: 2, odd: 0 };
  return JSON.stringify(seen) === JSON.stringify(expected) ? null : `its versions are ${JSON.stringify(seen)}, not ${JSON.stringify(expected)}`;
});
/** What the oracle cannot see: the versions of a history, and the rows of a file, which are read a second time. */
const differs = async (cluster, standalone, { way, nth, table }) => {
  if (way.versions) return differsAsHistory(cluster, table);
  if (!way.isFile) return null;
  const { runId } = await standalone.call('POST', `/v1/pipelines/round_${nth}/reconcile`);
  for (;;) {
    const run = await standalone.call('GET', `/v1/runs/${runId}?wait=30`);
    if (run.state === 'succeeded') return null;
    if (run.state === 'failed') return run.failure.text;
  }
};
const rowsOf = (way, table) => ({ source: 'select * from orders', target: way.versions ? `select id, customer, at, note from ${table} where is_current` : `select * from ${table}` });

const cluster = await openCluster();
let standalone;
try {
  await withClient(cluster.shop, async (client) => { await client.query(`create table orders (${columns})`); await client.query(fill('orders', false)); await client.query('vacuum analyze orders'); });
  standalone = await startStandalone({ shop: cluster.shop, wh: cluster.wh, files: { connector: 'file', root: '.' } },
    { args: ['--workers', 'process'], env: { ETL_ETL_WORKER_LEASE_MS: '2000' } });
  const made = await begin(standalone, { name: 'orders_file', from: { connection: 'shop', dataset: 'public.orders' }, to: { connection: 'files', dataset: 'orders.parquet' } });
  must((await ended(standalone, made)).state === 'succeeded', 'the file of the source is there');
  const hit = new Map(ways.map(({ name }) => [name, { runs: 0, interrupted: 0 }]));
  for (const pass of ['cold', 'calm']) for (const [nth, way] of ways.entries()) way.takesMs = (await round(cluster, standalone, { way, nth: `${pass}_${nth}`, times: 0 })).wall;
  for (let nth = 0; nth < kills; nth += 1) {
    const way = ways[nth % ways.length];
    const seen = await round(cluster, standalone, { way, nth, times: random() < 0.2 ? 2 : 1 });
    await mustBeSound({ cluster, standalone }, { runId: seen.run.runId, ...(way.isFile ? { of: 'files' } : { rows: rowsOf(way, seen.table) }) });
    const difference = await differs(cluster, standalone, { way, nth, table: seen.table });
    must(difference === null, `${way.name}, round ${nth}: ${difference}`);
    const of = hit.get(way.name);
    of.runs += 1;
    if (seen.attempts > 2) of.interrupted += 1;
    if (!way.isFile) await withClient(cluster.wh, (client) => client.query(`drop table ${seen.table}`));
    say(`${String(nth + 1).padStart(3)}  ${way.name.padEnd(12)} green after ${seen.attempts} attempts, sound`);
  }
  for (const [name, { runs, interrupted }] of hit) say(`ok  ${name}: ${runs} runs, ${interrupted} of them hit in their middle; lost 0, doubled 0`);
} catch (error) {
  process.stdout.write(`${error.stack ?? error}\n`);
  process.exitCode = 1;
} finally {
  await standalone?.stop();
  await cluster.stop();
}
