// TPC-H lineitem in a throw-away PostgreSQL: generated, never committed, the same rows every time.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cache } from '../install.mjs';
import { startPostgres } from '../provision/postgres.mjs';
import { databaseUrl, withClient } from '../provision/standalone.mjs';
import { virtualEnvironment } from '../provision/venv.mjs';

export const SF1_ROWS = 6_001_215;
/** Durable on both sides: this is the server that ours and the yardstick write to. Autovacuum would add its own CPU at moments of its own. */
export const settings = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on', shared_buffers: '256MB', max_wal_size: '8GB', checkpoint_timeout: '30min', autovacuum: 'off', jit: 'off' };
/** As PostgreSQL and MariaDB both read them. */
export const lineitemDdl = `l_orderkey bigint not null, l_partkey bigint not null, l_suppkey bigint not null, l_linenumber integer not null, l_quantity numeric(15,2) not null,
  l_extendedprice numeric(15,2) not null, l_discount numeric(15,2) not null, l_tax numeric(15,2) not null, l_returnflag char(1) not null, l_linestatus char(1) not null,
  l_shipdate date not null, l_commitdate date not null, l_receiptdate date not null, l_shipinstruct char(25) not null, l_shipmode char(10) not null, l_comment varchar(44) not null`;

/** The same columns as DuckDB reads them from the CSV. */
export const lineitemColumns = lineitemDdl.split(/,\s*(?=l_)/).map((column) => {
  const [, name, type] = /^(\w+) (.*) not null$/.exec(column);
  return { name, duck: /char/.test(type) ? 'VARCHAR' : type.replace('numeric', 'DECIMAL').toUpperCase() };
});

/** A cluster with the databases `shop` (source) and `wh` (target). */
export async function openCluster() {
  const cluster = await startPostgres({ settings });
  await withClient(cluster.url, async (client) => { for (const name of ['shop', 'wh']) await client.query(`create database ${name}`); });
  return { ...cluster, shop: databaseUrl(cluster, 'shop'), wh: databaseUrl(cluster, 'wh') };
}
/** Calls `work` with the path of a CSV with the first `rows` rows of lineitem, then removes it. */
export async function withLineitemCsv(rows, work) {
  const folder = mkdtempSync('/var/tmp/etl-bench-');
  try {
    chmodSync(folder, 0o755);
    const venv = virtualEnvironment(join(cache, 'tpch'), join(import.meta.dirname, 'tpch', 'requirements.txt'));
    const { status, stderr } = spawnSync(join(venv, 'bin', 'tpchgen-cli'), ['csv', '-s', String(Math.max(1, Math.ceil(rows / SF1_ROWS))), '--tables=lineitem', `--output-dir=${folder}`], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`tpchgen-cli: ${stderr}`);
    spawnSync('sh', ['-c', `head -n ${rows + 1} ${folder}/lineitem.csv > ${folder}/first.csv && rm ${folder}/lineitem.csv`]);
    chmodSync(join(folder, 'first.csv'), 0o644);
    return await work(join(folder, 'first.csv'));
  } finally { rmSync(folder, { recursive: true, force: true }); }
}
/** Fills `table` of the source with the first `rows` rows of lineitem, hint bits set and statistics known, as a table that is in use. */
export const loadLineitem = (cluster, rows, table = 'lineitem') => withLineitemCsv(rows, (csv) => withClient(cluster.shop, async (client) => {
  await client.query(`create table ${table} (${lineitemDdl})`);
  await client.query(`copy ${table} from '${csv}' (format csv, header)`);
  await client.query(`vacuum analyze ${table}`);
  const { rows: [counted] } = await client.query(`select count(*)::int as n from ${table}`);
  if (counted.n !== rows) throw new Error(`lineitem has ${counted.n} rows, not ${rows}`);
}));
/** Count and two sums over all columns: what both copies must agree on, in any order. */
export const contentOf = (url, table) => withClient(url, async (client) => {
  const { rows: [row] } = await client.query(`select count(*) as n, sum(hashtextextended(t::text, 0)::numeric) as a, sum(hashtextextended(t::text, 1)::numeric) as b from ${table} t`);
  return `${row.n} rows ${row.a} ${row.b}`;
});
