// Groups and joins of more data than an engine may hold: they end by spilling, within its limit and what a process takes beside it. Checked against what the data were made to answer.
import { chmodSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { serverPidOf, startStandalone } from '../provision/standalone.mjs';
import { ourPipeline } from './copy.mjs';
import { pidsOf, pssMiB, watchPeak, workerOf } from './process-tree.mjs';
import { duckRows } from './yardsticks.mjs';

const MIB = 2 ** 20;
const mebibytes = (bytes) => `${(bytes / MIB).toFixed(0)} MiB`;
/** Texts that do not repeat, 288 letters each: neither a dictionary nor a compression makes them small. */
const noise = `${Array.from({ length: 9 }, (_, part) => `md5((id * 9 + ${part})::varchar)`).join(' || ')} as noise`;
/** One row in a hundred is there twice. */
const twins = (rows) => `select id, id % 10 as tenth, ${noise} from (select case when i % 100 = 0 then i + 1 else i end as id from range(${rows}) as t(i))`;
const others = (rows) => `select id, ${noise} from (select ${rows} - 1 - i as id from range(${rows}) as t(i))`;

/** Bytes of the temporary files that engines of a tree have now: some are held open, others are closed behind each write, so the folders of the children are looked at, which are where they run. */
function spilledBytes(root) {
  const folders = new Set(pidsOf(root).map((pid) => look(() => readlinkSync(`/proc/${pid}/cwd`))).filter((folder) => folder !== null));
  const files = [...folders].flatMap((folder) => (look(() => readdirSync(join(folder, 'spill'))) ?? []).map((name) => join(folder, 'spill', name)));
  return files.reduce((sum, file) => sum + (look(() => statSync(file).size) ?? 0), 0);
}
const look = (work) => { try { return work(); } catch { return null; } }; // a process may end while we look

/** `memoryMb`: the engine alone, without us, groups one CSV within 256 MiB and not within 192, where its buffers of a line leave too little; as much again for another file beside it. */
const works = (rows) => [
  { name: 'spill_group', memoryMb: 256, of: (left) => left, what: 'every row in a group of its own, or of two',
    steps: [{ aggregate: { by: ['id', 'noise'], measures: [{ as: 'there', fn: 'count' }] } }, { filter: 'there > 1' }, { select: ['id', 'there'] }],
    held: 'select count(*)::varchar as n, sum(id)::varchar as ids, sum(there)::varchar as there', wanted: `select count(*)::varchar as n, coalesce(sum(i + 1), 0)::varchar as ids, (count(*) * 2)::varchar as there from range(${rows}) as t(i) where i % 100 = 0 and i + 1 < ${rows}` },
  { name: 'spill_join', memoryMb: 512, of: (left, right) => left + right, what: 'every row with the one of another file that has its key',
    steps: [{ join: { right: 'files:others.csv', kind: 'inner', on: { id: 'id' }, take: { other: 'noise' }, matches: 'many' } }, { aggregate: { by: ['tenth'], measures: [{ as: 'last', fn: 'max', arg: 'other' }, { as: 'rows', fn: 'count' }] } }],
    held: 'select count(*)::varchar as n, sum(rows)::varchar as rows, md5(string_agg(last, \',\' order by tenth)) as last', wanted: `select count(*)::varchar as n, sum(rows)::varchar as rows, md5(string_agg(last, ',' order by tenth)) as last from (select id % 10 as tenth, max(noise) as last, count(*) as rows from (${twins(rows)}) where id < ${rows} group by 1)` },
];

async function one(at, { name, what, steps, held, wanted }, say) {
  const out = join(at.folder, `${name}.parquet`);
  const worker = () => workerOf(at.standalone) ?? at.standalone.pid;
  const database = serverPidOf(at.standalone);
  const tree = () => pssMiB(worker(), pidsOf(database));
  const idle = tree();
  const [memory, disk] = [watchPeak(tree, 250), watchPeak(() => spilledBytes(worker()), 250)];
  const cost = await ourPipeline(null, at.standalone, { name, from: { connection: 'files', dataset: 'rows.csv' }, to: { connection: 'files', dataset: `${name}.parquet` }, steps });
  const [peak, spilled] = [memory.stop(), disk.stop()];
  const [found] = duckRows(`${held} from '${out}'`);
  const [asked] = duckRows(wanted);
  if (JSON.stringify(found) !== JSON.stringify(asked)) throw new Error(`${name} holds ${JSON.stringify(found)}, and the data were made to answer ${JSON.stringify(asked)}`);
  say(`${name}: peak ${peak.toFixed(0)} MiB, idle ${idle.toFixed(0)} MiB, spilled ${mebibytes(spilled)}, ${cost.wall.toFixed(1)} s`);
  return { name, what, idle, peak, spilled, over: peak - idle, cost };
}
/** Rows of 299 bytes: one and a half times what is asked for, nine millions, are ten times what an engine may hold in both works. */
const MORE = 1.55;
export async function spill({ rows: asked, say }) {
  const rows = Math.ceil(asked * MORE);
  const folder = mkdtempSync('/var/tmp/etl-bench-spill-');
  chmodSync(folder, 0o755);
  let standalone;
  try {
    const [left, right] = [['rows.csv', twins], ['others.csv', others]].map(([name, made]) => {
      const path = join(folder, name);
      duckRows(`copy (${made(rows)}) to '${path}' (format csv, header)`);
      return { path, bytes: statSync(path).size };
    });
    chmodSync(left.path, 0o644);
    chmodSync(right.path, 0o644);
    const seen = [];
    for (const work of works(rows)) {
      const bytes = work.of(left.bytes, right.bytes);
      const times = bytes / (work.memoryMb * MIB);
      say(`${work.name}: ${rows} rows a file, ${mebibytes(bytes)}: ${times.toFixed(1)} times the limit of ${work.memoryMb} MiB`);
      standalone = await startStandalone({ files: { connector: 'file', root: folder } }, { env: { ETL_ETL_WORKER_ENGINE_MEMORY_MB: String(work.memoryMb) } });
      seen.push({ ...await one({ folder, standalone }, work, say), times, memoryMb: work.memoryMb });
      await standalone.stop();
      standalone = undefined;
    }
    return { name: 'spill', rows, seen, lines: seen.flatMap(({ name, what, over, peak, spilled, cost, times, memoryMb }) => [
      [`${name.replace('_', ', ')}: memory over idle, data ${times.toFixed(1)}x the limit`, `${over.toFixed(0)} MiB`, `peak PSS of the worker's tree ${peak.toFixed(0)} MiB, limit of the engine ${memoryMb} MiB; ${what}`, '<= limit + 150 MB'],
      [`${name.replace('_', ', ')}: spilled at most`, mebibytes(spilled), `${cost.wall.toFixed(1)} s to the end of the load, proof ${cost.proof.wall.toFixed(1)} s`, ''],
    ]) };
  } finally { await standalone?.stop(); rmSync(folder, { recursive: true, force: true }); }
}
