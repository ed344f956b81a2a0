// A large CSV to Parquet, as it is or filtered and grouped. Each against the same SQL in the bare engine with the same threads, memory and order.
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { serverPidOf, startStandalone } from '../provision/standalone.mjs';
import { line, ourPipeline, perRow, sum } from './copy.mjs';
import { lineitemColumns, withLineitemCsv } from './lineitem.mjs';
import { pidsOf, pssMiB, watchPeak } from './process-tree.mjs';
import { median, ratioText } from './statistics.mjs';
import { contentOfFile, duckRound, duckRows } from './yardsticks.mjs';

const names = lineitemColumns.map(({ name }) => name);
/** Steps of a pipeline, and the same as SQL over `read`. */
const plain = { steps: [], select: (read) => `select * from ${read}`, columns: names };
const grouped = {
  steps: [{ filter: "l_shipdate <= date '1998-09-02'" }, { aggregate: { by: ['l_returnflag', 'l_linestatus'], measures: [{ as: 'parts', fn: 'sum', arg: 'l_partkey' }, { as: 'price', fn: 'max', arg: 'l_extendedprice' }, { as: 'rows', fn: 'count' }] } }],
  select: (read) => `select l_returnflag, l_linestatus, cast(sum(l_partkey) as decimal(38, 0)) as parts, max(l_extendedprice) as price, count(*) as rows from ${read} where l_shipdate <= date '1998-09-02' group by l_returnflag, l_linestatus`,
  columns: ['l_returnflag', 'l_linestatus', 'parts', 'price', 'rows'],
};
/** A folder with the CSV in it, and a standalone that knows it. @param memoryMb of each engine */
async function ground({ rows, memoryMb }, work) {
  const folder = mkdtempSync('/var/tmp/etl-bench-files-');
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'spill'));
  let standalone;
  try {
    const csv = join(folder, 'lineitem.csv');
    await withLineitemCsv(rows, (made) => { copyFileSync(made, csv); });
    standalone = await startStandalone({ files: { connector: 'file', root: folder } }, { policy: { profile: 'asked' }, env: { ETL_ETL_WORKER_ENGINE_MEMORY_MB: String(memoryMb) } }); // values are profiled once per shape, whenever nothing else is to do: not in a round
    return await work({ folder, csv, standalone, memoryMb });
  } finally { await standalone?.stop(); rmSync(folder, { recursive: true, force: true }); }
}
/** Types that a plan chooses for the columns of the CSV: both sides read the same. */
async function typesOf({ folder, standalone, csv }) {
  await ourPipeline(null, standalone, { name: 'types', from: { connection: 'files', dataset: 'lineitem.csv' }, to: { connection: 'files', dataset: 'types.parquet' }, steps: [{ limit: { n: 1, by: [{ column: 'l_orderkey' }] } }] });
  const types = duckRows(`describe select * from '${join(folder, 'types.parquet')}'`).map((column) => `'${column.column_name}': '${column.column_type}'`);
  return `read_csv('${csv}', header = true, auto_detect = false, delim = ',', quote = '"', columns = {${types.join(', ')}})`;
}
/** Rounds of one work in turns, ours by counts as the bare engine proves nothing; a run of ours that is proved in full stands apart. */
async function inTurns(at, { name, work, rounds, rows, say }) {
  const [ours, theirs] = [join(at.folder, `${name}.parquet`), join(at.folder, 'bare.parquet')];
  const settings = { memoryMb: at.memoryMb, spill: join(at.folder, 'spill') };
  const statement = `copy (${work.select(await typesOf(at))}) to '${theirs}' (format parquet, compression zstd)`;
  const database = serverPidOf(at.standalone);
  const mine = async (reconcile = 'counts') => {
    rmSync(ours, { force: true });
    const own = () => pssMiB(at.standalone.pid, pidsOf(database));
    const [idle, watch] = [own(), watchPeak(own, 250)];
    const cost = await ourPipeline(null, at.standalone, { name, from: { connection: 'files', dataset: 'lineitem.csv' }, to: { connection: 'files', dataset: `${name}.parquet` }, ...(work.steps.length ? { steps: work.steps } : {}), reconcile });
    return { ...cost, over: watch.stop() - idle };
  };
  const works = { ours: () => mine(), bare: () => duckRound(statement, settings) };
  const first = await mine('full');
  say(`${name}, proved in full: ours ${line(first, rows)}, ${first.over.toFixed(0)} MiB`);
  const seen = [];
  for (let round = 0; round < rounds; round += 1) {
    const pair = {};
    for (const who of round % 2 ? ['bare', 'ours'] : ['ours', 'bare']) pair[who] = await works[who]();
    const [held, wanted] = [contentOfFile(`'${ours}'`, work.columns), contentOfFile(`'${theirs}'`, work.columns)];
    if (held !== wanted) throw new Error(`ours holds ${held}, the bare engine's file ${wanted}`);
    seen.push(pair);
    say(`${name}, round ${round + 1}: ours ${line(pair.ours, rows)}, ${pair.ours.over.toFixed(0)} MiB + proof ${line(pair.ours.proof, rows)} | bare ${line(pair.bare, rows)} | R ${(sum(pair.ours) / sum(pair.bare)).toFixed(3)}`);
  }
  return { name, first, seen };
}
function linesOf({ first, seen }, { what, rows, size, memoryMb }) {
  const of = (pick) => median(seen.map(pick));
  const cost = (pick) => [`${perRow(of((round) => sum(pick(round))), rows)} us/row`, `${of((round) => pick(round).wall).toFixed(1)} s`];
  return [
    [`CSV of ${size} to Parquet${what}, ours`, ...cost((round) => round.ours), `${seen.length} rounds, proved by counts`], [`CSV to Parquet${what}, proved in full`, `${perRow(sum(first), rows)} us/row`, `${first.wall.toFixed(1)} s`, ''],
    [`the same${what}, bare DuckDB`, ...cost((round) => round.bare), `${memoryMb} MiB, 2 threads`],
    [`CSV to Parquet${what}, R`, `${ratioText(seen.map((round) => sum(round.ours) / sum(round.bare)))} (95 % interval of the median)`, `wall ratio ${of((round) => round.ours.wall / round.bare.wall).toFixed(2)}; from the request on: plan, approval and state database included`, 'overhead <= 1.03'],
    [`CSV to Parquet${what}, reading back and publish`, ...cost((round) => round.ours.proof), 'on its own line'],
    [`CSV to Parquet${what}, memory over idle`, `${Math.max(first.over, ...seen.map((round) => round.ours.over)).toFixed(0)} MiB`, `limit of the engine ${memoryMb} MiB`, '<= limit + 150 MB'],
  ];
}
const sizeOf = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
const atDefault = ({ rows, rounds, say }, { name, as, work, what }) => ground({ rows, memoryMb: 512 }, async (at) => {
  const seen = await inTurns(at, { name: as, work, rounds, rows, say });
  return { name, rows, rounds: [seen], lines: linesOf(seen, { what, rows, size: sizeOf(statSync(at.csv).size), memoryMb: 512 }) };
});
export const csvToParquet = (options) => atDefault(options, { name: 'csvToParquet', as: 'csv_grouped', work: grouped, what: ' with filter and group' });
export const csvAsItIs = (options) => atDefault(options, { name: 'csvAsItIs', as: 'csv_to_parquet', work: plain, what: '' });
