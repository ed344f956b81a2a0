import { createHash, randomBytes } from 'node:crypto';
import { chmod, copyFile, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DuckChild } from '@agent-etl/engines';
import { type SafeSql, type SqlFragment, compile, identifier, literal, rowDigest, sqlFor } from '@agent-etl/sql-safety';
import pg from 'pg';
import { forgetBatchTwo } from './demo-batch.ts';
import type { DemoFile } from './demo-files.ts';
import { digestKey, flightColumns } from './demo-numbers.ts';

const duck = sqlFor('duckdb');
type Batch = 'first' | 'second';
/** Rows in the order and with the keys that the expected numbers are about: what came first is batch 1, and only that is there at the start. */
const arrivedSql = (parquet: string, csv: string, batch: Batch): SafeSql<'duckdb'> => compile(duck`copy (
  select flight_id, departed_at, delay_min, distance_mi, origin, destination, strftime(updated_at, '%Y-%m-%d %H:%M:%S+00') from (
    select row_number() over (order by late, n) as flight_id, departed_at, delay_min, distance_mi, origin, destination, updated_at, late from (
      select date as departed_at, delay::int as delay_min, distance::int as distance_mi, origin, destination, file_row_number as n,
        date >= timestamp '2001-06-30' or (origin = 'DCA' and date >= timestamp '2001-06-29') as late, case when late then timestamp '2001-07-01 03:00:00' else date_trunc('day', date) + interval 27 hour end as updated_at
      from read_parquet(${literal('duckdb', parquet)}, file_row_number = true)) as flights) as numbered
  where late = ${literal('duckdb', batch === 'second')} order by flight_id) to ${literal('duckdb', csv)} (format csv, header false)`);
const opsSchema = `
  create table public.flights (flight_id bigint not null, departed_at timestamp not null, delay_min integer not null, distance_mi integer not null,
    origin text not null, destination text not null, updated_at timestamptz not null);
  create schema to_come;
  create table to_come.flights (like public.flights);
  create table public.airports (iata text primary key, name text, city text, state text, country text, latitude double precision, longitude double precision);`;

export interface Databases { readonly adminUrl: string; readonly folder: string; readonly password: string }
export interface Loaded { readonly flights: number; readonly airports: number; readonly wasKept: boolean }
const sql = sqlFor('postgres');
const text = (value: string) => literal('postgres', value);
/** Runs a statement that takes no bound values. */
export const runIn = (client: pg.Client, statement: SqlFragment<'postgres'>): Promise<pg.QueryResult> => client.query(compile(statement).text);

export async function withDatabase<T>(adminUrl: string, database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href, application_name: 'agent-etl demo' });
  await client.connect();
  try { return await work(client); } finally { await client.end(); }
}
/** A login of the demo's own: copying needs no superuser. */
export async function makeLogin({ adminUrl, password }: Databases): Promise<void> {
  await withDatabase(adminUrl, 'postgres', async (client) => {
    const { rowCount } = await client.query(`select 1 from pg_roles where rolname = 'demo'`);
    await runIn(client, sql`${rowCount ? sql`ALTER` : sql`CREATE`} ROLE demo LOGIN PASSWORD ${text(password)}`);
  });
}
export const makePassword = (): string => randomBytes(15).toString('base64url');

/** An empty warehouse: the demo shows a first load. */
export async function makeWarehouse({ adminUrl }: Databases): Promise<void> {
  await withDatabase(adminUrl, 'postgres', async (client) => {
    await client.query('drop database if exists warehouse with (force)');
    await client.query('create database warehouse owner demo');
  });
}
export const statePrefix = 'demo_state_';
/** Each demo begins with a state of its own: no run of an interrupted one goes on, and every pipeline is proved as on its first day. */
export async function dropOldStates({ adminUrl }: Databases, current: string): Promise<void> {
  await withDatabase(adminUrl, 'postgres', async (client) => {
    const { rows } = await client.query<{ name: string }>('select datname as name from pg_database where starts_with(datname, $1) and datname <> $2', [statePrefix, current]);
    for (const { name } of rows) await runIn(client, sql`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`);
  });
}
async function flightsCsv(flights: DemoFile, folder: string, batch: Batch): Promise<string> {
  const csv = join(folder, `flights-${batch}.csv`);
  const child = await DuckChild.start({ about: flights.file, scratch: folder, files: [flights.path, csv] });
  try { await child.copy(arrivedSql(flights.path, csv, batch)); } finally { await child.stop(); }
  await chmod(csv, 0o644); // the server reads it as its own user
  return csv;
}
async function fill(client: pg.Client, files: { flights: string; later: string; airports: string }): Promise<void> {
  await client.query(opsSchema);
  await runIn(client, sql`COPY public.flights FROM ${text(files.flights)} (FORMAT csv)`);
  await runIn(client, sql`COPY to_come.flights FROM ${text(files.later)} (FORMAT csv)`);
  await client.query('alter table public.flights add primary key (flight_id)');
  await client.query('create index flights_updated on public.flights (updated_at, flight_id)');
  await runIn(client, sql`COPY public.airports FROM ${text(files.airports)} (FORMAT csv, HEADER true)`);
  await client.query('grant usage on schema public to demo');
  await client.query('grant select on all tables in schema public to demo');
  await client.query('analyze');
}
const counts = async (client: pg.Client): Promise<{ flights: number; airports: number }> => {
  const { rows } = await client.query<{ flights: string; airports: string }>('select (select count(*) from public.flights) as flights, (select count(*) from public.airports) as airports');
  return { flights: Number(rows[0]?.flights), airports: Number(rows[0]?.airports) };
};
/** Fills ops from the published files, or keeps what an earlier demo loaded from the same bytes by the same statements. */
export async function loadOps({ adminUrl, folder }: Databases, files: { flights: DemoFile; airports: DemoFile }): Promise<Loaded> {
  const digest = `demo ${createHash('sha256').update([files.flights.sha256, files.airports.sha256, arrivedSql('', '', 'first').text, arrivedSql('', '', 'second').text, opsSchema, fill.toString()].join('\n')).digest('hex')}`;
  const kept = await withDatabase(adminUrl, 'postgres', async (client) => {
    const { rows } = await client.query<{ comment: string | null }>(`select shobj_description(oid, 'pg_database') as comment from pg_database where datname = 'ops'`);
    if (rows[0]?.comment === digest) return true;
    await client.query('drop database if exists ops with (force)');
    await client.query('create database ops');
    return false;
  });
  if (!kept) {
    const scratch = join(folder, 'demo-load');
    await mkdir(scratch, { recursive: true, mode: 0o711 });
    await chmod(folder, 0o711); // the server's user must reach the files below
    try {
      const [flights, later, airports] = [await flightsCsv(files.flights, scratch, 'first'), await flightsCsv(files.flights, scratch, 'second'), join(scratch, 'airports.csv')];
      await copyFile(files.airports.path, airports);
      await chmod(airports, 0o644);
      await withDatabase(adminUrl, 'ops', (client) => fill(client, { flights, later, airports }));
    } finally {
      await rm(scratch, { recursive: true, force: true });
      await chmod(folder, 0o700);
    }
    await withDatabase(adminUrl, 'postgres', (client) => runIn(client, sql`COMMENT ON DATABASE ops IS ${text(digest)}`));
  }
  if (kept) await withDatabase(adminUrl, 'ops', forgetBatchTwo);
  return { ...await withDatabase(adminUrl, 'ops', counts), wasKept: kept };
}
const columns = flightColumns.map(({ name, kind }) => ({ name, type: { kind } }));
/** One row of a statement over a Parquet file, by DuckDB. */
export async function askParquet({ folder }: Databases, path: string, select: SqlFragment<'duckdb'>): Promise<Readonly<Record<string, unknown>>> {
  const child = await DuckChild.start({ about: basename(path), scratch: folder, files: [path] });
  try {
    const [row = {}] = await child.query(compile(duck`${select} from read_parquet(${literal('duckdb', path)})`));
    return row;
  } finally {
    await child.stop();
  }
}
const postgres = sqlFor('postgres');
/** The keyed digest of mart.flights as the warehouse holds it, `count:a:b`: computed by the demo, not by the run. */
export async function warehouseDigest({ adminUrl }: Databases): Promise<string> {
  const { text, params } = compile(postgres`select ${rowDigest('postgres', columns, digestKey)} from ${identifier('mart', 'flights')}`);
  return withDatabase(adminUrl, 'warehouse', async (client) => {
    const { rows } = await client.query<{ n: string; a: string; b: string }>(text, [...params]);
    return `${rows[0]?.n}:${rows[0]?.a}:${rows[0]?.b}`;
  });
}
