// A source of which 1 % changed, merged into its copy: ours, which reads by a cursor and proves, against SQL written by hand (COPY into a temporary table, then
// INSERT ... ON CONFLICT), in turns. Then a run that finds nothing.
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { startStandalone, withClient } from '../provision/standalone.mjs';
import { contentOf, loadLineitem, openCluster } from './lineitem.mjs';
import { cpuSeconds } from './process-tree.mjs';
import { runPipeline } from './run-pipeline.mjs';
import { median, ratioText } from './statistics.mjs';

const EMPTY_RUNS = 7;
const seconds = (text) => text.split(/\s+/).filter(Boolean).reduce((sum, part) => { const [, m, s] = /(\d+)m([\d.]+)s/.exec(part); return sum + Number(m) * 60 + Number(s); }, 0);
const sum = ({ client, server }) => client + server;

/** Lineitem with a key and a time of the last change, a year of them, both indexed. */
async function source(cluster, rows) {
  await loadLineitem(cluster, rows);
  await withClient(cluster.shop, async (client) => {
    await client.query(`create table lines as select row_number() over ()::bigint as id, l.*, date_trunc('day', now()) - interval '100 days' - (random() * 365 * 86400)::int * interval '1 second' as updated_at from lineitem l`);
    await client.query('alter table lines add primary key (id), alter updated_at set not null');
    await client.query('create index on lines (updated_at)');
    await client.query('drop table lineitem');
    await client.query('vacuum analyze lines');
  });
}
/** When the changes of a round were made: in ten hours of a day of its own, so that the hour that ours reads again holds what it does in a nightly run. */
const when = (round, nth) => `date_trunc('day', now()) - interval '90 days' + interval '${round} days' + (${nth} % 36000) * interval '1 second'`;
/** Nine of ten changed rows are updates spread over the table, one is new. */
const change = (cluster, round) => withClient(cluster.shop, async (client) => {
  const updated = await client.query(`update lines set l_comment = 'round ${round}', l_quantity = l_quantity + 1, updated_at = ${when(round, 'id')} where id % 1000 between ${round * 9} and ${round * 9 + 8}`);
  const inserted = await client.query(`insert into lines select (select max(id) from lines) + row_number() over (), l_orderkey, l_partkey, l_suppkey, l_linenumber, l_quantity, l_extendedprice, l_discount, l_tax, l_returnflag, l_linestatus, l_shipdate, l_commitdate,
    l_receiptdate, l_shipinstruct, l_shipmode, l_comment, ${when(round, 'id')} from lines where id % 1000 = 999 - ${round}`);
  return updated.rowCount + inserted.rowCount;
});
const pipeline = { name: 'lines', from: { connection: 'shop', dataset: 'public.lines' }, to: { connection: 'wh', dataset: 'public.ours' } };

async function ourRound(cluster, standalone) {
  const [client, server, began] = [cpuSeconds(standalone.pid), cpuSeconds(cluster.pid), performance.now()];
  const { runId, state } = await standalone.call('POST', '/v1/requests?wait=60', { pipeline, run: 'now' }); // answers when the run has ended: asking again and again would be work, too
  const wall = (performance.now() - began) / 1000;
  const used = { client: cpuSeconds(standalone.pid) - client, server: cpuSeconds(cluster.pid) - server, wall };
  const run = await standalone.call('GET', `/v1/runs/${runId}`);
  if (run.state !== 'succeeded') throw new Error(`the merge is ${state}: ${JSON.stringify(run.failure)}`);
  return { ...used, result: run.tasks.find(({ kind }) => kind === 'publish').result };
}
async function handRound(cluster) {
  const facts = await withClient(cluster.wh, async (client) => {
    const { rows: [{ last }] } = await client.query('select max(updated_at)::text as last from byhand');
    const { rows } = await client.query(`select attname as name from pg_attribute where attrelid = 'byhand'::regclass and attnum > 0 order by attnum`);
    return { last, columns: rows.map(({ name }) => name) };
  });
  const set = facts.columns.filter((name) => name !== 'id').map((name) => `${name} = excluded.${name}`).join(', ');
  const psql = (url, ...commands) => `psql -X -q -v ON_ERROR_STOP=1 "${url}?sslmode=disable" ${commands.map((text) => `-c "${text}"`).join(' ')}`;
  const [server, began] = [cpuSeconds(cluster.pid), performance.now()];
  const { stdout, status, stderr } = spawnSync('sh', ['-c', `(${psql(cluster.shop, `copy (select * from lines where updated_at > '${facts.last}') to stdout (format binary)`)} | ${psql(cluster.wh,
    'begin', 'create temp table stage (like byhand) on commit drop', 'copy stage from stdin (format binary)', `insert into byhand select * from stage on conflict (id) do update set ${set}`, 'commit')}) &\nwait\ntimes`], { encoding: 'utf8' });
  if (status !== 0 || stderr) throw new Error(`psql: ${stderr}`);
  return { client: seconds(stdout), server: cpuSeconds(cluster.pid) - server, wall: (performance.now() - began) / 1000 };
}
/** Both targets as the source is, and both servers at rest. */
async function prepare(cluster, standalone) {
  await runPipeline(standalone, pipeline);
  for (let warm = 0; warm < 5; warm += 1) await runPipeline(standalone, pipeline);
  await withClient(cluster.wh, async (client) => {
    await client.query('create table byhand (like ours including all)');
    await client.query('insert into byhand select * from ours');
    await client.query('vacuum analyze');
  });
}
export async function merge({ rows, rounds, say }) {
  if (spawnSync('psql', ['--version']).status !== 0) return { name: 'merge', skipped: 'psql is not installed (Debian: apt-get install postgresql-client); the yardstick is SQL in it' };
  const cluster = await openCluster();
  let standalone;
  try {
    await source(cluster, rows);
    standalone = await startStandalone({ shop: cluster.shop, wh: cluster.wh });
    await prepare(cluster, standalone);
    const result = [];
    for (let round = 0; round < rounds; round += 1) {
      const changed = await change(cluster, round);
      const pair = { load: loadavg()[0], changed };
      for (const who of round % 2 ? ['hand', 'ours'] : ['ours', 'hand']) {
        await withClient(cluster.wh, (client) => client.query('checkpoint'));
        pair[who] = who === 'ours' ? await ourRound(cluster, standalone) : await handRound(cluster);
      }
      const wanted = await contentOf(cluster.shop, 'public.lines');
      for (const [who, table] of [['ours', 'ours'], ['by hand', 'byhand']]) if (await contentOf(cluster.wh, table) !== wanted) throw new Error(`${who}: the target is not the source`);
      if (pair.ours.result.published !== changed) throw new Error(`ours published ${pair.ours.result.published} rows of ${changed} that changed`);
      result.push(pair);
      say(`round ${round + 1}: ours ${line(pair.ours, changed)} | by hand ${line(pair.hand, changed)} | R ${(sum(pair.ours) / sum(pair.hand)).toFixed(3)}`);
    }
    const empty = [];
    for (let nth = 0; nth < EMPTY_RUNS; nth += 1) {
      const nothing = await ourRound(cluster, standalone);
      if (nothing.result.published !== 0) throw new Error(`a run without changes published ${nothing.result.published} rows`);
      empty.push(nothing);
    }
    return { name: 'merge', rows, rounds: result, empty, lines: linesOf(result, empty, rows) };
  } finally { await standalone?.stop(); await cluster.stop(); }
}
const perRow = (value, changed) => (value / changed * 1e6).toFixed(2);
const line = ({ client, server, wall }, changed) => `client ${perRow(client, changed)} server ${perRow(server, changed)} us/row, ${wall.toFixed(2)} s`;
function linesOf(rounds, empty, rows) {
  const of = (pick) => median(rounds.map(pick));
  const row = (what, pick) => [what, `client ${of((r) => pick(r).client / r.changed * 1e6).toFixed(2)} us, servers ${of((r) => pick(r).server / r.changed * 1e6).toFixed(2)} us per changed row`, `${of((r) => pick(r).wall).toFixed(2)} s`];
  const rest = median(empty.map(sum));
  return [
    [...row(`merge of 1 % into ${rows} rows, ours with its proof`, (r) => r.ours), `${rounds.length} rounds of ${rounds[0].changed} rows`], [...row('merge, COPY and ON CONFLICT by hand', (r) => r.hand), ''],
    ['merge, R', `${ratioText(rounds.map((r) => sum(r.ours) / sum(r.hand)))} (95 % interval of the median)`, `wall ratio ${of((r) => r.ours.wall / r.hand.wall).toFixed(2)}; without what an empty run takes: R ${of((r) => (sum(r.ours) - rest) / sum(r.hand)).toFixed(3)}`, 'R <= 1.10'],
    ['merge, a run that finds nothing', `${(median(empty.map(({ wall }) => wall)) * 1000).toFixed(0)} ms from request to green`, `CPU: client and state database ${(median(empty.map(({ client }) => client)) * 1000).toFixed(0)} ms, servers ${(median(empty.map(({ server }) => server)) * 1000).toFixed(0)} ms`, '<= 150 ms'],
  ];
}
