// PostgreSQL to PostgreSQL: ours against the binary pipe of psql, in turns.
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { startStandalone, withClient } from '../provision/standalone.mjs';
import { contentOf, loadLineitem, openCluster } from './lineitem.mjs';
import { cpuSeconds } from './process-tree.mjs';
import { followPipeline } from './run-pipeline.mjs';
import { median, ratioText } from './statistics.mjs';

export const seconds = (text) => text.split(/\s+/).filter(Boolean).reduce((sum, part) => { const [, m, s] = /(\d+)m([\d.]+)s/.exec(part); return sum + Number(m) * 60 + Number(s); }, 0);
const fresh = (cluster) => withClient(cluster.wh, async (client) => { await client.query('drop table if exists public.lineitem'); await client.query('checkpoint'); });

/** The yardstick: psql | psql, one pipe per half of the table when `pipes` is 2. The shell says what CPU its children took. */
export async function psqlRound(cluster, pipes) {
  const columns = await withClient(cluster.shop, async (client) => {
    const { rows } = await client.query(`select string_agg(format('%I %s not null', attname, format_type(atttypid, atttypmod)), ', ' order by attnum) as list, (pg_relation_size('lineitem') / 8192)::int as pages
      from pg_attribute where attrelid = 'lineitem'::regclass and attnum > 0`);
    return rows[0];
  });
  await withClient(cluster.wh, (client) => client.query(`create table public.lineitem (${columns.list})`));
  const middle = columns.pages >> 1;
  const halves = pipes === 2 ? [` where ctid < '(${middle},0)'`, ` where ctid >= '(${middle},0)'`] : [''];
  const psql = (url, command) => `psql -X -q -v ON_ERROR_STOP=1 "${url}?sslmode=disable" -c "${command}"`;
  const pipe = (half) => `(${psql(cluster.shop, `copy (select * from public.lineitem${half}) to stdout (format binary)`)} | ${psql(cluster.wh, 'copy public.lineitem from stdin (format binary)')}) &`;
  const [server, began] = [cpuSeconds(cluster.pid), performance.now()];
  const { stdout, status, stderr } = spawnSync('sh', ['-c', `${halves.map(pipe).join('\n')}\nwait\ntimes`], { encoding: 'utf8' });
  if (status !== 0 || stderr) throw new Error(`psql: ${stderr}`);
  return { client: seconds(stdout), server: cpuSeconds(cluster.pid) - server, wall: (performance.now() - began) / 1000 };
}
/** From the request to the end of the load task, then to the green run. */
export const ourRound = (cluster, standalone, round) =>
  ourPipeline(cluster, standalone, { name: `copy_${round}`, from: { connection: 'shop', dataset: 'public.lineitem' }, to: { connection: 'wh', dataset: 'public.lineitem' } });
/** CPU seconds of the servers so far. */
export const serverSeconds = (cluster) => (cluster ? (cluster.pids ?? [cluster.pid]).reduce((sum, pid) => sum + cpuSeconds(pid), 0) : 0);
/** Cost of one pipeline up to the end of its load, and of its proof and publish. @param cluster with the `pid` of the server of both ends, or the `pids` of two; null where they are files */
export async function ourPipeline(cluster, standalone, pipeline) {
  const at = () => ({ client: cpuSeconds(standalone.pid), server: serverSeconds(cluster), wall: performance.now() / 1000 });
  const between = (a, b) => ({ client: b.client - a.client, server: b.server - a.server, wall: b.wall - a.wall });
  const before = at();
  let loaded = null;
  const { tasks } = await followPipeline(standalone, pipeline,
    { onTaskEnd: (id) => { loaded ??= id === 'load' || id.startsWith('load') ? at() : null; } });
  return { ...between(before, loaded), proof: between(loaded, at()), level: tasks.find(({ kind }) => kind === 'publish')?.result.level ?? null };
}
export const sum = ({ client, server }) => client + server;

export async function copy({ rows, rounds, pipes, say }) {
  if (spawnSync('psql', ['--version']).status !== 0) return { name: 'copy', skipped: 'psql is not installed (Debian: apt-get install postgresql-client); the yardstick is its binary pipe' };
  const cluster = await openCluster();
  let standalone;
  try {
    await loadLineitem(cluster, rows);
    const wanted = await contentOf(cluster.shop, 'public.lineitem');
    standalone = await startStandalone({ shop: cluster.shop, wh: cluster.wh });
    const result = [];
    for (let round = 0; round < rounds; round += 1) {
      const pair = { load: loadavg()[0] };
      for (const who of round % 2 ? ['psql', 'ours'] : ['ours', 'psql']) {
        await fresh(cluster);
        pair[who] = who === 'ours' ? await ourRound(cluster, standalone, round) : await psqlRound(cluster, pipes);
        const found = await contentOf(cluster.wh, 'public.lineitem');
        if (found !== wanted) throw new Error(`${who}: the copy holds ${found}, the source ${wanted}`);
      }
      result.push(pair);
      say(`round ${round + 1}: ours ${line(pair.ours, rows)} + proof ${line(pair.ours.proof, rows)} | psql ${line(pair.psql, rows)} | R ${(sum(pair.ours) / sum(pair.psql)).toFixed(3)}`);
    }
    return { name: 'copy', rows, pipes, content: wanted, rounds: result, lines: linesOf(result, rows, pipes) };
  } finally { await standalone?.stop(); await cluster.stop(); }
}
export const perRow = (value, rows) => (value / rows * 1e6).toFixed(2);
export const line = ({ client, server, wall }, rows) => `client ${perRow(client, rows)} server ${perRow(server, rows)} us/row, ${wall.toFixed(1)} s`;
function linesOf(rounds, rows, pipes) {
  const of = (pick) => median(rounds.map(pick));
  const row = (what, pick) => [what, `client ${perRow(of((r) => pick(r).client), rows)} us/row, servers ${perRow(of((r) => pick(r).server), rows)} us/row`, `${of((r) => pick(r).wall).toFixed(1)} s`];
  return [
    [...row(`copy of ${rows} rows, ours`, (r) => r.ours), `${rounds.length} rounds`], [...row(`copy, psql binary pipe${pipes === 2 ? ' x 2' : ''}`, (r) => r.psql), ''],
    ['copy, R', `${ratioText(rounds.map((r) => sum(r.ours) / sum(r.psql)))} (95 % interval of the median)`, `wall ratio ${of((r) => r.ours.wall / r.psql.wall).toFixed(2)}`, 'R <= 1.25'],
    [...row('reconcile and publish, ours', (r) => r.ours.proof), 'on its own line'],
    ['copy with full reconcile and publish, R', `${ratioText(rounds.map((r) => (sum(r.ours) + sum(r.ours.proof)) / sum(r.psql)))} (95 % interval of the median)`, `wall ratio ${of((r) => (r.ours.wall + r.ours.proof.wall) / r.psql.wall).toFixed(2)}; the pipe proves nothing`, 'R <= 1.6'],
  ];
}
