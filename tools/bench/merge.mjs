// A source of which 1 % changed, merged into its copy: ours, which reads by a cursor, against SQL written by hand (COPY into a temporary table, then INSERT ... ON CONFLICT),
// in turns. Once with counts alone, as by hand, and once proved in full, which stands on its own line and beside SQL by hand that proves as much. Then a run that finds nothing.
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverPidOf, startStandalone, withClient } from '../provision/standalone.mjs';
import { contentOf, loadLineitem, openCluster } from './lineitem.mjs';
import { cpuSeconds, pidsOf, pssMiB, watchPeak } from './process-tree.mjs';
import { runPipeline } from './run-pipeline.mjs';
import { median, ratioText } from './statistics.mjs';

const EMPTY_RUNS = 7;
/** Longer than a worker keeps a connection that nobody uses. */
const APART_MS = 3_000;
/** A server process that says goodbye uses CPU yet. */
const REST_MS = 300;
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
/** What is read, and whether it is proved: by counts alone, or in full, which is what a plan says when nobody does. */
const pipelines = Object.fromEntries(['counts', 'full'].map((level) => [level, {
  name: `lines_${level}`, from: { connection: 'shop', dataset: 'public.lines' }, to: { connection: 'wh', dataset: `public.ours_${level}` }, ...(level === 'counts' ? { reconcile: level } : {}) }]));

async function ourRound(cluster, standalone, level) {
  const [client, server, began] = [cpuSeconds(standalone.pid), cpuSeconds(cluster.pid), performance.now()];
  const { runId, state } = await standalone.call('POST', '/v1/requests?wait=60', { pipeline: pipelines[level], run: 'now' }); // answers when the run has ended: asking again and again would be work, too
  const wall = (performance.now() - began) / 1000;
  await sleep(REST_MS);
  const used = { client: cpuSeconds(standalone.pid) - client, server: cpuSeconds(cluster.pid) - server, wall };
  const run = await standalone.call('GET', `/v1/runs/${runId}`);
  if (run.state !== 'succeeded') throw new Error(`the merge is ${state}: ${JSON.stringify(run.failure)}`);
  const { result } = run.tasks.find(({ kind }) => kind === 'publish');
  if (result.level !== level) throw new Error(`proved ${result.level}, not ${level}`);
  return { ...used, result };
}
/** Count and sum of a hash over the rows that were read, at both ends, in the transaction of the merge. */
const digestOf = (from) => `select count(*), sum(hashtextextended(l::text, 0)::numeric), sum(hashtextextended(l::text, 1)::numeric) from ${from}`;
/** By hand: what changed since the last value that the target holds; `careful` begins an hour before it, as ours does for those who commit late, and leaves equal rows alone. */
async function handRound(cluster, { table, proves, careful }) {
  const facts = await withClient(cluster.wh, async (client) => {
    const { rows: [{ last }] } = await client.query(`select max(updated_at)::text as last from ${table}`);
    const { rows } = await client.query(`select attname as name from pg_attribute where attrelid = '${table}'::regclass and attnum > 0 order by attnum`);
    return { last, columns: rows.map(({ name }) => name) };
  });
  await sleep(REST_MS);
  const set = facts.columns.filter((name) => name !== 'id').map((name) => `${name} = excluded.${name}`).join(', ');
  const psql = (url, ...commands) => `psql -X -q -A -t -v ON_ERROR_STOP=1 "${url}?sslmode=disable" ${commands.map((text) => `-c "${text}"`).join(' ')}`;
  const changed = careful ? `updated_at > timestamptz '${facts.last}' - interval '1 hour'` : `updated_at > '${facts.last}'`;
  const unlike = careful ? ` where (${facts.columns.map((name) => `t.${name}`).join(', ')}) is distinct from (${facts.columns.map((name) => `excluded.${name}`).join(', ')})` : '';
  const proof = proves ? ` ; ${psql(cluster.shop, digestOf(`lines l where ${changed}`))}` : '';
  const [server, began] = [cpuSeconds(cluster.pid), performance.now()];
  const { stdout, status, stderr } = spawnSync('sh', ['-c', `(${psql(cluster.shop, `copy (select * from lines where ${changed}) to stdout (format binary)`)} | ${psql(cluster.wh,
    'begin', `create temp table stage (like ${table}) on commit drop`, 'copy stage from stdin (format binary)', `insert into ${table} as t select * from stage on conflict (id) do update set ${set}${unlike}`,
    ...(proves ? [digestOf(`(select l.* from stage s join lateral (select * from ${table} l where l.id = s.id limit 1) l on true) l`)] : []), 'commit')}${proof}) &\nwait\ntimes`], { encoding: 'utf8' });
  if (status !== 0 || stderr) throw new Error(`psql: ${stderr}`);
  const lines = stdout.trim().split('\n');
  if (proves && lines[0] !== lines[1]) throw new Error(`by hand: ${lines[0]} in the target, ${lines[1]} at the source`);
  const wall = (performance.now() - began) / 1000;
  await sleep(REST_MS);
  return { client: seconds(lines.slice(proves ? 2 : 0).join('\n')), server: cpuSeconds(cluster.pid) - server, wall };
}
/** Who merges in a round, and into which table. */
const ways = {
  counts: { table: 'ours_counts', run: (cluster, standalone) => ourRound(cluster, standalone, 'counts') }, hand: { table: 'byhand', run: (cluster) => handRound(cluster, { table: 'byhand', proves: false }) },
  careful: { table: 'careful', run: (cluster) => handRound(cluster, { table: 'careful', proves: false, careful: true }) },
  full: { table: 'ours_full', run: (cluster, standalone) => ourRound(cluster, standalone, 'full') }, proved: { table: 'proved', run: (cluster) => handRound(cluster, { table: 'proved', proves: true }) },
};
/** All targets as the source is, and both servers at rest. */
async function prepare(cluster, standalone) {
  for (const level of ['counts', 'full']) for (let warm = 0; warm < 4; warm += 1) await runPipeline(standalone, pipelines[level]);
  await withClient(cluster.wh, async (client) => {
    for (const table of ['byhand', 'careful', 'proved']) {
      await client.query(`create table ${table} (like ours_full including all)`);
      await client.query(`insert into ${table} select * from ours_full`);
    }
    await client.query('vacuum analyze');
  });
}
/** One after another, each on a server that has just written everything down. */
async function oneRound(cluster, standalone, round) {
  const changed = await change(cluster, round);
  const pair = { load: loadavg()[0], changed };
  const order = Object.keys(ways);
  for (const who of round % 2 ? order.toReversed() : order) {
    await withClient(cluster.wh, (client) => client.query('checkpoint'));
    await sleep(REST_MS);
    pair[who] = await ways[who].run(cluster, standalone);
  }
  const wanted = await contentOf(cluster.shop, 'public.lines');
  for (const [who, { table }] of Object.entries(ways)) if (await contentOf(cluster.wh, table) !== wanted) throw new Error(`${who}: the target is not the source`);
  for (const who of ['counts', 'full']) if (pair[who].result.published !== changed) throw new Error(`ours published ${pair[who].result.published} rows of ${changed} that changed`);
  return pair;
}
export async function merge({ rows, rounds, say }) {
  if (spawnSync('psql', ['--version']).status !== 0) return { name: 'merge', skipped: 'psql is not installed (Debian: apt-get install postgresql-client); the yardstick is SQL in it' };
  const cluster = await openCluster();
  let standalone;
  try {
    await source(cluster, rows);
    standalone = await startStandalone({ shop: cluster.shop, wh: cluster.wh }, { policy: { profile: 'asked' } }); // values are profiled once per shape, whenever nothing else is to do: not in a round
    const statePid = serverPidOf(standalone);
    await prepare(cluster, standalone);
    const result = [];
    for (let round = 0; round < rounds; round += 1) {
      const watch = watchPeak(() => pssMiB(standalone.pid, pidsOf(statePid)), 500);
      const pair = await oneRound(cluster, standalone, round).finally(() => { watch.stop(); });
      result.push({ ...pair, memory: watch.stop() });
      const { counts, hand, full, proved } = pair;
      say(`round ${round + 1}: counts, ours ${line(counts, pair.changed)} | by hand ${line(hand, pair.changed)} | R ${(sum(counts) / sum(hand)).toFixed(3)}; in full, ours ${line(full, pair.changed)} | by hand ${line(proved, pair.changed)} | R ${(sum(full) / sum(proved)).toFixed(3)}`);
    }
    const empty = { soon: [], apart: [] };
    for (let nth = 0; nth < EMPTY_RUNS; nth += 1) {
      for (const when of ['apart', 'soon']) {
        if (when === 'apart') await sleep(APART_MS);
        const nothing = await ourRound(cluster, standalone, 'full');
        if (nothing.result.published !== 0) throw new Error(`a run without changes published ${nothing.result.published} rows`);
        empty[when].push(nothing);
      }
    }
    return { name: 'merge', rows, rounds: result, empty, lines: linesOf(result, empty, rows) };
  } finally { await standalone?.stop(); await cluster.stop(); }
}
const perRow = (value, changed) => (value / changed * 1e6).toFixed(2);
const line = ({ client, server, wall }, changed) => `client ${perRow(client, changed)} server ${perRow(server, changed)} us/row, ${wall.toFixed(2)} s`;
function linesOf(rounds, empty, rows) {
  const of = (pick) => median(rounds.map(pick));
  const row = (what, pick) => [what, `client ${of((r) => pick(r).client / r.changed * 1e6).toFixed(2)} us, servers ${of((r) => pick(r).server / r.changed * 1e6).toFixed(2)} us per changed row`, `${of((r) => pick(r).wall).toFixed(2)} s`];
  const ratio = (one, other) => `${ratioText(rounds.map((r) => sum(r[one]) / sum(r[other])))} (95 % interval of the median)`;
  const without = (one, other) => of((r) => (sum(r[one]) - median(empty.soon.map(sum))) / sum(r[other])).toFixed(2);
  const nothing = (what, runs, target) => [what, `${(median(runs.map(({ wall }) => wall)) * 1000).toFixed(0)} ms from request to green`, `CPU: client and state database ${(median(runs.map(({ client }) => client)) * 1000).toFixed(0)} ms, servers ${(median(runs.map(({ server }) => server)) * 1000).toFixed(0)} ms`, target];
  return [
    [...row(`merge of 1 % into ${rows} rows, ours with counts`, (r) => r.counts), `${rounds.length} rounds of ${rounds[0].changed} rows`], [...row('merge, COPY and ON CONFLICT by hand', (r) => r.hand), ''],
    ['merge, R', ratio('counts', 'hand'), `wall ratio ${of((r) => r.counts.wall / r.hand.wall).toFixed(2)}; without what an empty run takes: R ${without('counts', 'hand')}`, 'R <= 1.10'],
    [...row('merge by hand that also reads the hour before and leaves equal rows alone, as ours does', (r) => r.careful), ''],
    ['merge, R of that', ratio('counts', 'careful'), `wall ratio ${of((r) => r.counts.wall / r.careful.wall).toFixed(2)}; without what an empty run takes: R ${without('counts', 'careful')}`, 'R <= 1.10'],
    [...row('merge, ours proved in full', (r) => r.full), 'on its own line'], [...row('merge, by hand with digests of both ends in SQL', (r) => r.proved), ''],
    ['merge proved in full, R', ratio('full', 'proved'), `against SQL by hand that proves nothing: R ${of((r) => sum(r.full) / sum(r.hand)).toFixed(2)}, without what an empty run takes ${without('full', 'hand')}`, ''],
    ['merge, memory', `${of((r) => r.memory).toFixed(0)} MiB at the peak, all services`, 'without the state database', '<= 256 MB'],
    nothing('merge, a run that finds nothing', empty.soon, '<= 150 ms'), nothing('merge, a run that finds nothing after three seconds of rest', empty.apart, ''),
  ];
}
