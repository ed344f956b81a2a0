// Pipelines over the real flights, airports and films on DuckDB, PostgreSQL and Spark: each with one digest in all its receipts. Then Spark is away, stands still, and dies in the middle of a join.
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCluster } from '../../bench/lineitem.mjs';
import { root } from '../../install.mjs';
import { startStandalone, withClient } from '../../provision/standalone.mjs';

const DATA = join(root, 'node_modules', 'vega-datasets', 'data');
const FILES = { 'flights.parquet': 'flights-3m.parquet', 'airports.csv': 'airports.csv', 'films.json': 'movies.json' };
/** A bound against a hang, not a measure. */
const LIMIT_MS = 600_000;
const say = (text) => { process.stdout.write(`  ${text}\n`); };
const must = (isSo, text) => { if (!isSo) throw new Error(`NOT SO: ${text}`); say(`ok  ${text}`); };

/** The route with the most flights of each month and airport: the airport by its name, its state masked. `airports` is a dataset of airports as an address. */
const busiest = (airports) => [
  { filter: 'delay is not null and distance > 100 and origin <> destination' },
  { derive: { month: "date_part('month', date)", route: "origin || '-' || destination", late: 'delay > 15', on_day: 'cast(date as date)' } },
  { join: { right: airports, kind: 'left', on: { origin: 'iata' }, take: { airport: 'name', state: 'state' } } },
  { aggregate: { by: ['month', 'origin', 'airport', 'state', 'route'], measures: [{ as: 'flights', fn: 'count' }, { as: 'late_flights', fn: 'count', where: 'late' }, { as: 'miles', fn: 'sum', arg: 'distance' }, { as: 'mean_delay', fn: 'avg', arg: 'delay' }, { as: 'first_day', fn: 'min', arg: 'on_day' }] } },
  { derive: { mean_delay: 'round(cast(mean_delay as decimal(18,6)), 2)' } },
  { dedupe: { keys: ['month', 'origin'], keep: [{ column: 'flights', dir: 'desc' }, { column: 'route' }] } },
  { mask: { column: 'state', method: 'sha256' } },
];
/** What the three films of each genre that earned most earned where, their directors masked. */
const earning = [
  { select: ['Title', 'Director', 'Major Genre', 'US Gross', 'Worldwide Gross'] }, { rename: { Title: 'title', Director: 'director', 'Major Genre': 'genre', 'US Gross': 'at_home', 'Worldwide Gross': 'everywhere' } },
  { filter: 'at_home > 0 and everywhere >= at_home and title is not null' }, { derive: { abroad: 'everywhere - at_home' } },
  { window: { partitionBy: ['genre'], orderBy: [{ column: 'everywhere', dir: 'desc' }], columns: [{ as: 'place', fn: 'row_number' }, { as: 'so_far', fn: 'sum', arg: 'everywhere', rows: 'running' }, { as: 'next_one', fn: 'lead', arg: 'title' }] } },
  { filter: 'place <= 3' }, { unpivot: { columns: ['at_home', 'abroad'], keep: ['title', 'director', 'genre', 'place', 'so_far', 'next_one'], nameTo: 'earned', valueTo: 'dollars' } }, { mask: { column: 'director', method: 'sha256' } }, { mask: { column: 'next_one', method: 'last4' } },
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
 * @param parts digests: pipelines on three engines · death: Spark is away, stands still, and is killed in the middle */
export async function provePipelines(spark, { handover, rows, parts }) {
  const cluster = await openCluster();
  const files = join(handover, '..', 'files');
  mkdirSync(files, { recursive: true });
  for (const [as, name] of Object.entries(FILES)) copyFileSync(join(DATA, name), join(files, as));
  const standalone = await startStandalone({ wh: cluster.wh, files: { connector: 'file', root: files } }, { env: {
    ETL_CONNECTORS_FILE_ROOTS: files, ETL_ETL_WORKER_ENGINE_MEMORY_MB: '192', ETL_ENGINES_SPARK_URL: spark.url, ETL_ENGINES_SPARK_TOKEN: 'secret://spark#token', ETL_ENGINES_SPARK_FOLDER: handover, ETL_SECRET_SPARK_TOKEN: spark.token } });
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
const tables = [['flights', 'some.parquet'], ['airports', 'airports.csv'], ['films', 'films.json']];
async function threeDigests(standalone, handover) {
  for (const [table, file] of tables) green(`the copy of ${file} into PostgreSQL`, await run(standalone, { name: `${table}_in`, from: { connection: 'files', dataset: file }, to: { connection: 'wh', dataset: `public.${table}` } }));
  await onThree(standalone, { name: 'busiest', file: 'some.parquet', table: 'public.flights', least: 200, steps: (place) => busiest(place === 'files' ? 'files:airports.csv' : 'wh.public.airports') });
  await choosesItself(standalone);
  await onThree(standalone, { name: 'earning', file: 'films.json', table: 'public.films', least: 50, steps: () => earning });
  must(readdirSync(handover).length === 0, 'nothing is left in the folder of the hand-over');
}
/** No engine is named: three million rows that may all have to be held are more than the worker's engine keeps in memory, and a filter that would leave a few is not guessed. */
async function choosesItself(standalone) {
  const steps = [{ filter: "date < cast('2001-01-03' as timestamp)" }, { derive: { route: "origin || '-' || destination", on_day: 'cast(date as date)' } }, { dedupe: { keys: ['route', 'on_day'], keep: [{ column: 'delay', dir: 'desc' }] } }];
  const asked = (name, more = {}) => run(standalone, { name, from: { connection: 'files', dataset: 'flights.parquet' }, to: { connection: 'files', dataset: `${name}.parquet` }, steps, ...more });
  const [itself, named] = [await asked('chosen_by_itself'), await asked('named_duckdb', { engine: 'duckdb' })];
  const [there, here] = [green('a dedupe of three million flights, no engine named,', itself), green('the same with engine: duckdb', named)];
  const { decisions } = await standalone.call('GET', `/v1/plans/${itself.planId}`);
  const { choice, by, reason } = decisions.find(({ question }) => question === 'engine');
  must(choice === 'spark' && by === 'rules' && reason.code === 'state-outgrows-memory' && there.engine === 'spark', `the planner chose it: ${reason.text}`);
  must(there.targetDigest === here.targetDigest && here.engine === 'duckdb', `both receipts have one digest: ${here.targetDigest}`);
}
/** The same steps on every engine: from files and from tables of the same rows. */
async function onThree(standalone, { name, file, table, least, steps }) {
  const from = { files: { connection: 'files', dataset: file }, wh: { connection: 'wh', dataset: table } };
  const receipts = {};
  for (const [place, engine] of [['files', 'duckdb'], ['wh', 'postgres'], ['files', 'spark'], ['wh', 'spark']]) {
    const as = `${name}_of_${place}_on_${engine}`;
    const found = await run(standalone, { name: as, from: from[place], to: { connection: 'files', dataset: `${as}.parquet` }, engine, steps: steps(place) });
    const receipt = receipts[as] = green(as.replaceAll('_', ' '), found);
    must(receipt.engine === engine, `its receipt names ${receipt.engine}: ${conservation(receipt)}`);
    if (place === 'wh' || engine !== 'spark') continue;
    const { decisions } = await standalone.call('GET', `/v1/plans/${found.planId}`);
    for (const { question, choice, reason } of decisions.filter((each) => ['steps', 'movement', 'engine'].includes(each.question))) say(`    ${question}: ${choice}. ${reason.text}`);
  }
  for (const [as, { targetDigest }] of Object.entries(receipts)) say(`    ${as.padEnd(28)} ${targetDigest}`);
  const digests = Object.values(receipts).map(({ targetDigest }) => targetDigest);
  must(new Set(digests).size === 1 && Number(digests[0].split(':')[1]) > least, `all ${digests.length} receipts of ${name} have one digest`);
  // What is joined behind a filter is counted alike wherever it is joined.
  must(new Set(Object.values(receipts).map(conservation)).size === 1, 'and one conservation of rows');
}
const conservation = ({ read, filtered, joined, grouped, written }) => `read ${read} = filtered ${filtered} + ${joined === undefined ? `grouped ${grouped}` : `joined ${joined}`} -> written ${written}`;

/** Spark is away when a run begins, stands still while it joins, and is killed while it joins. Each time the task says why by its code, nothing is at the target, and the run ends green by itself once Spark is back. */
async function diesInTheMiddle(standalone, { spark, cluster, handover }) {
  const isThere = (table) => withClient(cluster.wh, async (client) => (await client.query("select to_regclass('public.' || $1) is not null as yes", [table])).rows[0].yes);
  const computing = () => until(120_000, 'Spark did not begin', () => readdirSync(handover).some((name) => existsSync(join(handover, name, 'computed'))));
  const cases = [
    ['away', { before: () => spark.kill(), hurt: async () => undefined, back: () => spark.start(), code: 'connection.unreachable', says: 'Spark is away' }],
    ['still', { before: async () => undefined, hurt: async () => { await computing(); spark.pause(); }, back: async () => { spark.resume(); }, code: 'connection.interrupted', says: 'Spark stands still while it joins, and after a minute without a word it counts as gone' }],
    ['killed', { before: async () => undefined, hurt: async () => { await computing(); await spark.kill(); }, back: () => spark.start(), code: 'connection.interrupted', says: 'Spark is killed while it joins' }],
  ];
  for (const [table, { before, hurt, back, code, says }] of cases) {
    await before();
    const into = { name: `${table}_on_spark`, from: { connection: 'files', dataset: 'some.parquet' }, to: { connection: 'wh', dataset: `public.${table}` }, engine: 'spark', steps: busiest('files:airports.csv') };
    const { requestId } = await standalone.call('POST', '/v1/requests', { pipeline: { version: 1, ...into }, run: 'now' });
    await hurt();
    const failure = await until(180_000, `${table}: no attempt failed`, async () => (await runOf(standalone, requestId))?.tasks.find(({ id }) => id === 'load')?.failure ?? null);
    must([code, 'connection.unreachable'].includes(failure.code), `${says}: ${failure.code}, ${failure.text}`);
    must(!await isThere(table), 'nothing is at the target');
    await back();
    const left = await comesGreen(standalone, { requestId, into, cluster, table });
    must(readdirSync(handover).length <= left, left ? 'what the red run has left lies there for a week, and no more than that' : 'nothing is left in the folder of the hand-over');
    for (const name of readdirSync(handover)) rmSync(join(handover, name), { recursive: true });
  }
}
async function until(limitMs, otherwise, what) {
  for (const end = Date.now() + limitMs; ; await sleep(20)) {
    const found = await what();
    if (found) return found;
    if (Date.now() > end) throw new Error(otherwise);
  }
}
async function runOf(standalone, requestId) {
  const { runId, state, failure } = await standalone.call('GET', `/v1/requests/${requestId}`);
  if (state === 'failed') throw new Error(JSON.stringify(failure));
  return runId ? standalone.call('GET', `/v1/runs/${runId}`) : null;
}
const endOf = (standalone, requestId) => until(LIMIT_MS, 'the run did not end', async () => { const run = await runOf(standalone, requestId); return run && ['succeeded', 'failed', 'cancelled'].includes(run.state) ? run : null; });
/** A Spark that needs longer to start than a task tries is met by the next run: then the first one ends red, with the code that its attempts had, and its folder stays for a week.
 * @returns folders that may be left */
async function comesGreen(standalone, { requestId, into, cluster, table }) {
  const began = Date.now();
  let found = await endOf(standalone, requestId);
  const itself = found.state === 'succeeded';
  if (!itself) {
    must(found.failure?.code.startsWith('connection.'), `its attempts were over before Spark was back: red with ${found.failure?.code}`);
    found = await endOf(standalone, (await standalone.call('POST', '/v1/requests', { pipeline: { version: 1, ...into }, run: 'now' })).requestId);
  }
  const receipt = green(itself ? 'the run by itself, once Spark is back,' : 'the next run', { ...found, seconds: ((Date.now() - began) / 1000).toFixed(1) });
  const rows = await withClient(cluster.wh, async (client) => (await client.query(`select count(*)::int as n from public."${table}"`)).rows[0].n);
  must((!itself || receipt.attempts > 2) && rows === receipt.published && rows > 200, `after ${receipt.attempts} attempts of its two tasks; the target has its ${rows} rows`);
  return itself ? 0 : 1;
}
