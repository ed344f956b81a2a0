// One pipeline over the real flights data on DuckDB, PostgreSQL and Spark: three receipts with one digest. Then Spark dies in the middle of a run.
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCluster } from '../../bench/lineitem.mjs';
import { root } from '../../install.mjs';
import { startStandalone, withClient } from '../../provision/standalone.mjs';

const FLIGHTS = join(root, 'node_modules', 'vega-datasets', 'data', 'flights-3m.parquet');
/** A bound against a hang, not a measure. */
const LIMIT_MS = 600_000;
const say = (text) => { process.stdout.write(`  ${text}\n`); };
const must = (isSo, text) => { if (!isSo) throw new Error(`NOT SO: ${text}`); say(`ok  ${text}`); };

/** Every route by month with its busiest day's delay, one row for each origin and month: the route with the most flights. */
const busiest = [
  { filter: 'delay is not null and distance > 100 and origin <> destination' },
  { derive: { month: "date_part('month', date)", route: "origin || '-' || destination", late: 'delay > 15', on_day: 'cast(date as date)' } },
  { aggregate: { by: ['month', 'origin', 'route'], measures: [{ as: 'flights', fn: 'count' }, { as: 'late_flights', fn: 'count', where: 'late' }, { as: 'miles', fn: 'sum', arg: 'distance' }, { as: 'mean_delay', fn: 'avg', arg: 'delay' }, { as: 'first_day', fn: 'min', arg: 'on_day' }] } },
  { derive: { mean_delay: 'round(cast(mean_delay as decimal(18,6)), 2)' } },
  { dedupe: { keys: ['month', 'origin'], keep: [{ column: 'flights', dir: 'desc' }, { column: 'route' }] } },
];

async function run(standalone, pipeline) {
  const began = Date.now();
  const { requestId } = await standalone.call('POST', '/v1/requests', { pipeline: { version: 1, ...pipeline }, run: 'now' });
  for (const end = Date.now() + LIMIT_MS; ; await sleep(100)) {
    const asked = await standalone.call('GET', `/v1/requests/${requestId}`);
    const found = asked.runId ? await standalone.call('GET', `/v1/runs/${asked.runId}`) : null;
    if (asked.state === 'failed' || asked.state === 'waiting') throw new Error(`${pipeline.name}: ${JSON.stringify(asked.failure)}`);
    if (found && ['succeeded', 'failed', 'cancelled'].includes(found.state)) return { ...found, seconds: ((Date.now() - began) / 1000).toFixed(1) };
    if (Date.now() > end) throw new Error(`${pipeline.name} did not end: ${JSON.stringify(found?.tasks ?? asked)}`);
  }
}
const green = (name, found) => {
  must(found.state === 'succeeded' && found.receipt.reconciled, `${name} is green in ${found.seconds} s${found.failure ? `: ${JSON.stringify(found.failure)}` : ''}`);
  return found.receipt;
};

/** @param spark a running server, as `startSpark` gives it
 * @param handover folder that workers and Spark both see
 * @param rows january: the flights of one month · all: three million
 * @param parts digests: one pipeline on three engines · death: Spark is killed in the middle */
export async function provePipelines(spark, { handover, rows, parts }) {
  const cluster = await openCluster();
  const files = join(handover, '..', 'files');
  mkdirSync(files, { recursive: true });
  copyFileSync(FLIGHTS, join(files, 'flights.parquet'));
  const standalone = await startStandalone({ wh: cluster.wh, files: { connector: 'file', root: files } }, { env: {
    ETL_CONNECTORS_FILE_ROOTS: files, ETL_ENGINES_SPARK_URL: spark.url, ETL_ENGINES_SPARK_TOKEN: 'secret://spark#token', ETL_ENGINES_SPARK_FOLDER: handover, ETL_SECRET_SPARK_TOKEN: spark.token } });
  try {
    await someFlights(standalone, rows);
    if (parts.includes('digests')) await threeDigests(standalone, handover);
    if (parts.includes('death')) await diesInTheMiddle(standalone, { spark, cluster, handover });
  } finally {
    await standalone.stop();
    await cluster.stop();
  }
}

async function someFlights(standalone, rows) {
  const steps = rows === 'all' ? undefined : [{ filter: "date < cast('2001-02-01' as timestamp)" }];
  const some = await run(standalone, { name: 'some_flights', from: { connection: 'files', dataset: 'flights.parquet' }, to: { connection: 'files', dataset: 'some.parquet' }, ...(steps ? { steps } : {}) });
  green(`a file of ${some.receipt?.written.toLocaleString('en')} flights`, some);
}
async function threeDigests(standalone, handover) {
  green('their copy into PostgreSQL', await run(standalone, { name: 'flights_in', from: { connection: 'files', dataset: 'some.parquet' }, to: { connection: 'wh', dataset: 'public.flights' } }));
  const from = { files: { connection: 'files', dataset: 'some.parquet' }, table: { connection: 'wh', dataset: 'public.flights' } };
  const receipts = {};
  for (const [name, source, engine] of [['on_duckdb', from.files, 'duckdb'], ['on_postgres', from.table, 'postgres'], ['on_spark', from.files, 'spark'], ['table_on_spark', from.table, 'spark']]) {
    const found = await run(standalone, { name, from: source, to: { connection: 'files', dataset: `${name}.parquet` }, engine, steps: busiest });
    receipts[name] = green(`busiest routes ${name.replaceAll('_', ' ')}`, found);
    must(receipts[name].engine === engine, `its receipt names ${receipts[name].engine}: read ${receipts[name].read} = filtered ${receipts[name].filtered} + grouped ${receipts[name].grouped}, written ${receipts[name].written}`);
    if (name !== 'on_spark') continue;
    const { decisions } = await standalone.call('GET', `/v1/plans/${found.planId}`);
    for (const { question, choice, reason } of decisions.filter((each) => ['steps', 'movement', 'engine'].includes(each.question))) say(`    ${question}: ${choice}. ${reason.text}`);
  }
  const digests = Object.values(receipts).map(({ targetDigest }) => targetDigest);
  for (const [name, { targetDigest }] of Object.entries(receipts)) say(`    ${name.padEnd(14)} ${targetDigest}`);
  must(new Set(digests).size === 1 && Number(digests[0].split(':')[1]) > 200, 'all receipts have one digest');
  const counts = Object.values(receipts).map(({ read, filtered, grouped, written }) => [read, filtered, grouped, written].join());
  must(new Set(counts).size === 1, 'and one conservation of rows');
  must(readdirSync(handover).length === 0, 'nothing is left in the folder of the hand-over');
}

/** The server is killed once it computes; the run waits for another attempt, which meets a server that knows nothing of it any more, and starts over. */
async function diesInTheMiddle(standalone, { spark, cluster, handover }) {
  const into = { name: 'killed_on_spark', from: { connection: 'files', dataset: 'some.parquet' }, to: { connection: 'wh', dataset: 'public.busiest' }, engine: 'spark', steps: busiest };
  const { requestId } = await standalone.call('POST', '/v1/requests', { pipeline: { version: 1, ...into }, run: 'now' });
  const isThere = () => withClient(cluster.wh, async (client) => (await client.query("select to_regclass('public.busiest') is not null as yes")).rows[0].yes);
  const computing = () => readdirSync(handover).some((name) => existsSync(join(handover, name, 'computed')));
  for (const end = Date.now() + 120_000; !computing(); await sleep(20)) if (Date.now() > end) throw new Error('Spark did not begin');
  await spark.kill();
  must(!await isThere(), 'Spark is killed while it computes: nothing is at the target');
  await spark.start();
  let found;
  for (const end = Date.now() + LIMIT_MS; ; await sleep(200)) {
    const { runId, state, failure } = await standalone.call('GET', `/v1/requests/${requestId}`);
    found = runId ? await standalone.call('GET', `/v1/runs/${runId}`) : null;
    if (state === 'failed') throw new Error(JSON.stringify(failure));
    if (found && ['succeeded', 'failed', 'cancelled'].includes(found.state)) break;
    if (Date.now() > end) throw new Error(`the run stays ${found?.state}: ${JSON.stringify(found?.tasks)}`);
  }
  const receipt = green('the run by itself, once Spark is back', { ...found, seconds: '?' });
  must(receipt.attempts > 2, `after ${receipt.attempts} attempts of its two tasks; rows ${receipt.published}`);
  const rows = await withClient(cluster.wh, async (client) => (await client.query('select count(*)::int as n from public.busiest')).rows[0].n);
  must(rows === receipt.published, `the target has them: ${rows}`);
  must(readdirSync(handover).length === 0, 'nothing is left in the folder of the hand-over');
}
