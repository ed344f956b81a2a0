// PostgreSQL to Parquet and back, each against the halves that no mover can do without: reading or writing PostgreSQL in its binary form, and writing or reading Parquet.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { serverPidOf, startStandalone, withClient } from '../provision/standalone.mjs';
import { line, ourPipeline, perRow, sum } from './copy.mjs';
import { contentOf, lineitemColumns, loadLineitem, openCluster, withLineitemCsv } from './lineitem.mjs';
import { pidsOf, pssMiB, watchPeak } from './process-tree.mjs';
import { median, ratioText } from './statistics.mjs';
import { contentOfFile, duckRound, duckRows, psqlCopy } from './yardsticks.mjs';

const names = lineitemColumns.map(({ name }) => name);
const noPsql = () => spawnSync('psql', ['--version']).status !== 0;
const reason = 'psql is not installed (Debian: apt-get install postgresql-client); the yardstick is its COPY';

/** A cluster with lineitem, a folder for files that the server's user may read, and a standalone that knows both. */
async function ground(rows, work) {
  const cluster = await openCluster();
  const folder = mkdtempSync('/var/tmp/etl-bench-files-');
  chmodSync(folder, 0o755);
  let standalone;
  try {
    await loadLineitem(cluster, rows);
    standalone = await startStandalone({ shop: cluster.shop, wh: cluster.wh, files: { connector: 'file', root: folder } });
    return await work({ cluster, folder, standalone });
  } finally { await standalone?.stop(); await cluster.stop(); rmSync(folder, { recursive: true, force: true }); }
}
/** One of ours with the peak of its memory over idle, the state database left out. */
async function measured({ cluster, standalone }, pipeline) {
  const own = () => pssMiB(standalone.pid, pidsOf(serverPidOf(standalone)));
  const [idle, watch] = [own(), watchPeak(own, 250)];
  const cost = await ourPipeline(cluster, standalone, pipeline);
  return { ...cost, over: watch.stop() - idle };
}
/** Rounds of ours and of the yardsticks, in turns; `content` is compared after each. */
async function inTurns({ rounds, rows, say, content }, works) {
  const result = [];
  for (let round = 0; round < rounds; round += 1) {
    const seen = {};
    for (const who of round % 2 ? Object.keys(works).reverse() : Object.keys(works)) {
      seen[who] = await works[who](round);
      await content(who);
    }
    result.push(seen);
    say(`round ${round + 1}: ${Object.entries(seen).map(([who, cost]) => `${who} ${line(cost, rows)}`).join(' | ')}`);
  }
  return result;
}
const row = (what, rounds, { pick, rows }, goal = '') => {
  const of = (part) => median(rounds.map((round) => pick(round)[part]));
  return [what, `client ${perRow(of('client'), rows)} us/row, servers ${perRow(of('server'), rows)} us/row`, `${of('wall').toFixed(1)} s`, goal];
};
/** R twice: of the slower half alone, which only what does both at once for the price of one could reach, and of both halves one after the other. */
const halves = (what, rounds, [one, other]) => {
  const against = (of) => ratioText(rounds.map((round) => sum(round.ours) / of(sum(round[one]), sum(round[other]))));
  return [`${what}, R`, `${against((a, b) => Math.max(a, b))} of the slower half`, `${against((a, b) => a + b)} of both halves`, 'R <= 1.25 of both'];
};
/** One run of each level that compares values, its proof included, by the level that it had: a plan that finds nothing to choose rows by proves all of them. */
const hows = { full: 'every row compared', sampled: 'one row in sixteen compared', counts: 'counts compared' };
const proved = (what, { full, sampled }, rows) => [['full', full], ['sampled', sampled]].map(([asked, runs]) =>
  row(`${what}, asked for ${asked}: ${hows[runs[0].ours.level]}, proof included`, runs, { pick: ({ ours }) => Object.fromEntries(['client', 'server', 'wall'].map((part) => [part, ours[part] + ours.proof[part]])), rows }));
const memory = (what, rounds) => [`${what}, memory over idle`, `${Math.max(...rounds.map(({ ours }) => ours.over)).toFixed(0)} MiB`, 'peak of the standalone with its engine, without its PostgreSQL', '<= 400 MB'];

export async function toParquet({ rows, rounds, say }) {
  if (noPsql()) return { name: 'toParquet', skipped: reason };
  return ground(rows, async (at) => {
    const { cluster, folder } = at;
    const [ours, rewritten, source] = ['ours.parquet', 'rewritten.parquet', 'source.parquet'].map((name) => join(folder, name));
    await withLineitemCsv(rows, async (csv) => { duckRows(`copy (select * from read_csv('${csv}', header = true, auto_detect = false, delim = ',', quote = '"', columns = {${lineitemColumns.map(({ name, duck }) => `'${name}': '${duck}'`).join(', ')}})) to '${source}' (format parquet, compression zstd)`); });
    const wanted = contentOfFile(`'${source}'`, names);
    // The yardsticks prove nothing: ours stands beside them with counts alone, and with the two levels that compare values on lines of their own.
    const once = (reconcile = 'counts') => { rmSync(ours, { force: true }); return measured(at, { name: 'to_parquet', from: { connection: 'shop', dataset: 'public.lineitem' }, to: { connection: 'files', dataset: 'ours.parquet' }, reconcile }); };
    const [full, sampled] = [[{ ours: await once('full') }], [{ ours: await once('sampled') }]];
    const result = await inTurns({ rounds, rows, say, content: (who) => {
      if (who === 'ours' && contentOfFile(`'${ours}'`, names) !== wanted) throw new Error(`ours holds ${contentOfFile(`'${ours}'`, names)}, the source ${wanted}`);
    } }, {
      ours: () => once(),
      'COPY > null': () => psqlCopy(cluster, cluster.shop, { command: 'copy public.lineitem to stdout (format binary)' }),
      rewrite: () => duckRound(`copy (select * from '${source}') to '${rewritten}' (format parquet, compression zstd)`),
    });
    return { name: 'toParquet', rows, rounds: result, lines: [
      row(`PostgreSQL to Parquet, ${rows} rows, ours`, result, { pick: ({ ours: one }) => one, rows }, `${rounds} rounds, proved by counts`),
      ...proved('PostgreSQL to Parquet', { full, sampled }, rows),
      row('binary COPY > null', result, { pick: (round) => round['COPY > null'], rows }), row('Parquet rewrite, bare DuckDB', result, { pick: (round) => round.rewrite, rows }),
      halves('PostgreSQL to Parquet', result, ['COPY > null', 'rewrite']),
      row('PostgreSQL to Parquet, reading back and publish', result, { pick: ({ ours: one }) => one.proof, rows }, 'on its own line'), memory('PostgreSQL to Parquet', result)] };
  });
}
export async function fromParquet({ rows, rounds, say }) {
  if (noPsql()) return { name: 'fromParquet', skipped: reason };
  return ground(rows, async (at) => {
    const { cluster, folder, standalone } = at;
    const [binary, parquet] = ['lineitem.bin', 'lineitem.parquet'].map((name) => join(folder, name));
    const asked = { name: 'make_parquet', from: { connection: 'shop', dataset: 'public.lineitem' }, to: { connection: 'files', dataset: 'lineitem.parquet' } };
    await ourPipeline(cluster, standalone, asked);
    psqlCopy(cluster, cluster.shop, { command: 'copy public.lineitem to stdout (format binary)', to: binary });
    const wanted = await contentOf(cluster.shop, 'public.lineitem');
    const types = await withClient(cluster.shop, async (client) => (await client.query("select string_agg(format('%I %s not null', attname, format_type(atttypid, atttypmod)), ', ' order by attnum) as list from pg_attribute where attrelid = 'lineitem'::regclass and attnum > 0")).rows[0].list);
    const table = 'public.lineitem';
    const fresh = () => withClient(cluster.wh, async (client) => { await client.query(`drop table if exists ${table}`); await client.query('checkpoint'); });
    // A Parquet file says text where the source said char(25): the columns of both are compared as texts, without the blanks that char adds.
    const plain = (url) => contentOf(url, `(select ${lineitemColumns.map(({ name, duck }) => (duck === 'VARCHAR' ? `rtrim(${name}::text) as ${name}` : name)).join(', ')} from ${table})`);
    const wantedPlain = await plain(cluster.shop);
    const once = async (reconcile = 'counts') => { await fresh(); return measured(at, { name: 'from_parquet', from: { connection: 'files', dataset: 'lineitem.parquet' }, to: { connection: 'wh', dataset: table }, reconcile }); };
    const [full, sampled] = [[{ ours: await once('full') }], [{ ours: await once('sampled') }]];
    const result = await inTurns({ rounds, rows, say, content: async (who) => {
      if (who === 'read') return;
      const found = who === 'ours' ? await plain(cluster.wh) : await contentOf(cluster.wh, table);
      if (found !== (who === 'ours' ? wantedPlain : wanted)) throw new Error(`${who}: the table holds ${found}`);
    } }, {
      ours: () => once(),
      '\\copy': async () => {
        await fresh();
        await withClient(cluster.wh, (client) => client.query(`create table ${table} (${types})`));
        return psqlCopy(cluster, cluster.wh, { command: `copy ${table} from stdin (format binary)`, from: binary });
      },
      // A hash of each row makes the engine read every value.
      read: () => duckRound(`select bit_xor(hash(rows)) from '${parquet}' as rows`),
    });
    return { name: 'fromParquet', rows, rounds: result, lines: [
      row(`Parquet to PostgreSQL, ${rows} rows, ours`, result, { pick: ({ ours }) => ours, rows }, `${rounds} rounds, proved by counts`),
      ...proved('Parquet to PostgreSQL', { full, sampled }, rows), row('\\copy of a ready binary file', result, { pick: (round) => round['\\copy'], rows }),
      row('Parquet read, bare DuckDB', result, { pick: ({ read }) => read, rows }), halves('Parquet to PostgreSQL', result, ['\\copy', 'read']),
      row('Parquet to PostgreSQL, reading back and publish', result, { pick: ({ ours }) => ours.proof, rows }, 'on its own line'), memory('Parquet to PostgreSQL', result)] };
  });
}
