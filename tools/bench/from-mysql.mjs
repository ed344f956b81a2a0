// MariaDB to PostgreSQL: ours against the client program of MariaDB, which writes its rows as tab separated text, piped into the \copy of psql.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { cache } from '../install.mjs';
import { startMariadb } from '../provision/mariadb/mariadb.mjs';
import { serverPidOf, startStandalone, withClient } from '../provision/standalone.mjs';
import { line, ourPipeline, perRow, sum } from './copy.mjs';
import { contentOf, lineitemColumns, lineitemDdl, loadLineitem, openCluster, withLineitemCsv } from './lineitem.mjs';
import { pidsOf, pssMiB, watchPeak } from './process-tree.mjs';
import { median, ratioText } from './statistics.mjs';
import { quoted, shellRound } from './yardsticks.mjs';

const table = 'public.lineitem';
const least = 1_200_000;
const settings = { 'innodb-buffer-pool-size': '256M', 'innodb-flush-log-at-trx-commit': 1, 'local-infile': 1 };
const runs = (server, sql, more = []) => [server.client.program, ...server.client.options, ...more, '--execute', sql];
function fill(server, rows) {
  return withLineitemCsv(rows, (csv) => {
    const [program, ...words] = runs(server, `create table lineitem (${lineitemDdl}, primary key (l_orderkey, l_linenumber)) engine=InnoDB charset=utf8mb4;
      load data local infile '${csv}' into table lineitem fields terminated by ',' optionally enclosed by '"' ignore 1 lines; analyze table lineitem; select count(*) from lineitem`, ['--local-infile', '--batch', '--skip-column-names']);
    const { status, stdout, stderr } = spawnSync(program, words, { env: server.client.env, encoding: 'utf8' });
    if (status !== 0 || !stdout.endsWith(`${rows}\n`)) throw new Error(`MariaDB was not filled: ${stderr} ${stdout}`);
  });
}
/** Columns as texts without the blanks that char(n) adds: a table that ours has made says text or varchar where lineitem says char. */
const plain = (url) => contentOf(url, `(select ${lineitemColumns.map(({ name, duck }) => (duck === 'VARCHAR' ? `rtrim(${name}::text) as ${name}` : name)).join(', ')} from ${table})`);
async function pipeRound({ cluster, mariadb, servers }) {
  await withClient(cluster.wh, (client) => client.query(`create table ${table} (${lineitemDdl})`));
  const { env, ...client } = mariadb.client;
  const settled = Object.entries(env).filter(([name]) => name !== 'PATH').map(([name, value]) => `${name}=${quoted(value)}`).join(' ');
  const read = runs({ client }, 'select * from lineitem', ['--quick', '--batch', '--skip-column-names']).map(quoted).join(' ');
  return shellRound(`${settled} ${read} | psql -X -q -v ON_ERROR_STOP=1 ${quoted(`${cluster.wh}?sslmode=disable`)} -c ${quoted(`\\copy ${table} from stdin with (null 'NULL')`)}`, servers);
}
/** One of ours with the peak of its memory over idle, the state database left out. */
async function ourRound({ servers, standalone }, reconcile = 'counts') {
  const database = serverPidOf(standalone);
  const own = () => pssMiB(standalone.pid, pidsOf(database));
  const [idle, watch] = [own(), watchPeak(own, 250)];
  const cost = await ourPipeline(servers, standalone, { name: 'from_mysql', from: { connection: 'crm', dataset: 'lineitem' }, to: { connection: 'wh', dataset: table }, reconcile });
  return { ...cost, over: watch.stop() - idle };
}
async function inTurns({ rounds, rows, say }, at) {
  const wanted = await plain(at.cluster.shop);
  const works = { ours: ourRound, pipe: pipeRound };
  const once = async (who, level) => {
    await withClient(at.cluster.wh, async (client) => { await client.query(`drop table if exists ${table}`); await client.query('checkpoint'); });
    const cost = await works[who](at, level);
    const found = await plain(at.cluster.wh);
    if (found !== wanted) throw new Error(`${who}: the table holds ${found}, the source ${wanted}`);
    return cost;
  };
  const first = await once('ours', 'full');
  say(`first run, every row hashed: ${line(first, rows)} + proof ${line(first.proof, rows)}`);
  const seen = [];
  for (let round = 0; round < rounds; round += 1) {
    const pair = {};
    for (const who of round % 2 ? ['pipe', 'ours'] : ['ours', 'pipe']) pair[who] = await once(who);
    seen.push(pair);
    say(`round ${round + 1}: ours ${line(pair.ours, rows)}, ${pair.ours.over.toFixed(0)} MiB + proof ${line(pair.ours.proof, rows)} | pipe ${line(pair.pipe, rows)} | R ${(sum(pair.ours) / sum(pair.pipe)).toFixed(3)}`);
  }
  return { first, seen };
}
export async function fromMysql({ rows: asked, rounds, say }) {
  if (spawnSync('psql', ['--version']).status !== 0) return { name: 'fromMysql', skipped: 'psql is not installed (Debian: apt-get install postgresql-client); the yardstick is its \\copy' };
  const rows = Math.max(asked, least);
  const cluster = await openCluster();
  let [mariadb, standalone] = [null, null];
  try {
    mariadb = await startMariadb(join(cache, 'mariadb'), { settings });
    fill(mariadb, rows);
    await loadLineitem(cluster, rows);
    standalone = await startStandalone({ crm: { connector: 'mysql', host: '127.0.0.1', port: mariadb.port, database: 'test', user: 'etl', tls: 'disable' }, wh: cluster.wh });
    const { first, seen } = await inTurns({ rounds, rows, say }, { cluster, mariadb, standalone, servers: { pids: [cluster.pid, mariadb.pid] } });
    return { name: 'fromMysql', rows, first, rounds: seen, lines: linesOf(first, seen, rows) };
  } finally { await standalone?.stop(); await mariadb?.stop(); await cluster.stop(); }
}
function linesOf(first, seen, rows) {
  const row = (what, all, beside) => [what, `client ${perRow(median(all.map(({ client }) => client)), rows)} us/row, servers ${perRow(median(all.map(({ server }) => server)), rows)} us/row`, `${median(all.map(({ wall }) => wall)).toFixed(1)} s`, beside];
  const [ours, pipe] = [seen.map((round) => round.ours), seen.map((round) => round.pipe)];
  return [
    row(`MariaDB to PostgreSQL, ${rows} rows, ours`, ours, `${seen.length} rounds, proved by counts: the pipe proves nothing`), row('MariaDB to PostgreSQL, every row hashed at the source', [first], ''), row('`mariadb --quick` into `\\copy`', pipe, ''),
    ['MariaDB to PostgreSQL, R', `${ratioText(seen.map((round) => sum(round.ours) / sum(round.pipe)))} (95 % interval of the median)`, `wall ratio ${median(seen.map((round) => round.ours.wall / round.pipe.wall)).toFixed(2)}`, 'R <= 1.4'],
    row('MariaDB to PostgreSQL, reading back and publish', ours.map(({ proof }) => proof), 'on its own line'),
    ['MariaDB to PostgreSQL, memory over idle', `${Math.max(first.over, ...ours.map(({ over }) => over)).toFixed(0)} MiB`, 'peak of the standalone, without its PostgreSQL', '<= 256 MB'],
  ];
}
