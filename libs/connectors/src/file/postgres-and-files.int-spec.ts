import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type LoadTask, type Profile, type PublishTask, isBinary } from '@agent-etl/contracts';
import type pg from 'pg';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OpenConnection } from '../port.ts';
import { mapColumnType, openConnection } from '../registry.ts';
import { type AFolder, aFolder, aLoad, aPublish, aWriter, stage } from './testing/a-folder.ts';
import { aDatabase, clientOf, connectionTo, describeServer } from '../postgres/testing/postgres-harness.ts';

const vega = fileURLToPath(new URL('../../../../node_modules/vega-datasets/data', import.meta.url));
const database = `t_files_${process.pid}`;
const { signal } = new AbortController();
/** All three million flights with `npm run proof -- faults`, their first third of a million in each gate. */
const FLIGHTS = process.env['ETL_TEST_FAULTS'] === 'all' ? 3_000_000 : 333_333;
const TABLE = `create table edge (b boolean, s smallint, i integer, l bigint, d numeric(18,4), lead numeric(4,4), huge numeric(38,10), free numeric, r real, f double precision, t text, v varchar(20),
  y bytea, day date, at timestamp, z timestamptz, clock time, u uuid, j json, jb jsonb, words text[], span interval, "Mixed ""Case""" text, "select" integer)`;
const ROWS = [
  `(true, -32768, -2147483648, -9223372036854775808, -12345678901234.5678, 0.0001, 1234567890123456789012345678.0123456789, 1e50, 1.1, 0.1, 'a "b", c', 'x', '\\x00ff', '0001-01-01', '0001-01-01 00:00:00.000001',
    '2001-01-31 23:59:59.999999+05:30', '23:59:59.999999', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1.10, "a":2}', '{"b": [1, null]}', array['x', null, 'y,"z'], '1 year -2 days 03:04:05.5', 'é', 1)`,
  `(false, 32767, 2147483647, 9223372036854775807, 0, -0.9999, 0, 'NaN', 'NaN', 'NaN', '', '', '', '9999-12-31', 'infinity', '-infinity', '00:00', '00000000-0000-0000-0000-000000000000', '"x"', '{}', '{}', '0', '', 2)`,
  `(null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null)`,
  `(true, 0, 0, 0, 0.0001, 0, -0.0000000001, 0.000000000000000000001, '-Infinity', 4.9406564584124654e-324, E'line\\nend\\r\\n\\\\. \\t😀', E'\\\\N', '\\x5c', '1969-12-31', '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999+00', '12:00',
    'ffffffff-ffff-ffff-ffff-ffffffffffff', 'null', '[1.5e300]', '{{a,b},{c,d}}', '-1 mon', null, 0)`,
  `(true, 0, 0, 0, 0, 0, 0, 0, 3.4028235e38, 2417851639229258349412352, repeat('é', 600000), '', '', 'infinity', '-infinity', 'infinity', '24:00', null, '1', '1', null, null, '~', 0)`,
];

async function someFlights(to: string): Promise<void> {
  if (FLIGHTS === 3_000_000) { await copyFile(join(vega, 'flights-3m.parquet'), to); return; }
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const duck = await (await DuckDBInstance.create(':memory:')).connect();
  await duck.run(`copy (select * from '${join(vega, 'flights-3m.parquet')}' limit ${FLIGHTS}) to '${to}' (format parquet)`);
  duck.closeSync();
}

describeServer('postgres and files', (admin) => {
  let folder: AFolder;
  let files: OpenConnection;
  let shop: OpenConnection;
  let client: pg.Client;
  const closing: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    closing.push(await aDatabase(admin, database));
    client = await clientOf(admin, database);
    closing.unshift(() => client.end());
    await client.query(TABLE);
    await client.query(`insert into edge values ${ROWS.join(', ')}, ${ROWS[0]}`);
    folder = await aFolder();
    closing.unshift(() => folder.drop());
    const connection = connectionTo(admin, database, { name: 'shop' });
    files = await openConnection(folder.connection, folder.tools);
    shop = await openConnection(connection, folder.tools);
    await someFlights(join(folder.root, 'flights.parquet'));
  }, 60_000);
  afterAll(async () => { for (const close of closing) await close(); });

  /** Copies as planner and worker do, with every row compared. */
  async function move(from: { at: OpenConnection; dataset: string }, to: { at: OpenConnection; dataset: string }): Promise<{ rows: number; digest: string; source: Profile }> {
    const source = await from.at.profile(from.dataset, 'source');
    const sink = to.at === shop ? 'postgres' : 'file';
    const columns = source.columns.map((column) =>
      ({ source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: mapColumnType(sink, column)?.native ?? 'none', nullable: column.nullable }));
    const task: LoadTask = { ...aLoad(source, to.dataset, { carrier: from.at === to.at ? 'file' : to.at === shop && isBinary(columns) ? 'frames' : 'text' }), columns, target: { connection: sink, dataset: to.dataset } };
    const writing = await to.at.sink.begin(task, aWriter());
    try {
      const { rows, digest } = await stage(from.at, writing, task);
      const publish: PublishTask = aPublish(task, { how: sink === 'file' ? 'file' : 'rename' });
      const staged = await writing.stagedDigest(publish, signal);
      expect({ rows: staged.rows, digest: `${staged.a}:${staged.b}` }).toEqual({ rows, digest });
      expect(await writing.publish(publish, { rows, digest: staged })).toMatchObject({ published: rows });
      return { rows, digest, source };
    } finally {
      await writing.close();
    }
  }

  it('carry every type to Parquet and to CSV, with equal digests', async () => {
    const parquet = await move({ at: shop, dataset: 'public.edge' }, { at: files, dataset: 'edge.parquet' });
    const csv = await move({ at: shop, dataset: 'public.edge' }, { at: files, dataset: 'edge.csv.gz' });
    expect([parquet.rows, csv.rows, csv.digest]).toEqual([6, 6, parquet.digest]);
    expect(parquet.source.columns).toHaveLength(24);
  });

  it.each(['ndjson', 'json.gz'])('carry every type to %s with the same digest, and back into a table of the same types with the same rows', async (ending) => {
    const parquet = await move({ at: shop, dataset: 'public.edge' }, { at: files, dataset: 'edge.parquet' });
    const there = await move({ at: shop, dataset: 'public.edge' }, { at: files, dataset: `edge.${ending}` });
    expect([there.rows, there.digest]).toEqual([6, parquet.digest]);
    const exact = ['bool', 'i16', 'i32', 'i64', 'f32', 'f64'];
    const found = await files.profile(`edge.${ending}`, 'source');
    // As a planner maps them into a table that is there; what no cell is read as exactly travels as text and is read by the server.
    const columns = there.source.columns.map(({ name, type, native }) => ({ source: name, target: name, type: exact.includes(type.kind) || type.precision !== undefined ? type : { kind: 'text' as const }, sourceNative: 'VARCHAR', targetNative: native, nullable: true }));
    expect(found.columns.map(({ name }) => name)).toEqual(columns.map(({ source }) => source));
    const target = `public.${ending.replace('.', '_')}`;
    const task: LoadTask = { ...aLoad(found, target, { carrier: 'text' }), columns, target: { connection: 'postgres', dataset: target } };
    const writing = await shop.sink.begin(task, aWriter());
    const { rows } = await stage(files, writing, task);
    await writing.publish(aPublish(task, { how: 'rename' }), { rows, digest: null });
    await writing.close();
    const { rows: [row] } = await client.query(`select (select count(*) from ${target})::int as n, (select count(*) from (select r::text from edge r except all select r::text from ${target} r) as lost)::int as lost`);
    expect(row).toEqual({ n: 6, lost: 0 });
  });

  it('bring them back from Parquet to the same values', async () => {
    await move({ at: files, dataset: 'edge.parquet' }, { at: shop, dataset: 'public.back' });
    const same = (value: string) => `(select jsonb_agg(to_jsonb(${value}) order by to_jsonb(${value})::text) from`;
    const { rows: [row] } = await client.query(`select ${same('e')} (select b, s, i, l, d, lead, huge, free::text as free, r::float8::text as r, f::text as f, t, v::text, y, day, at, z, clock, u, j, "Mixed ""Case""", "select" from edge) e)
      = ${same('e')} (select b, s, i, l, d, lead, huge, free::text, r::float8::text as r, f::text as f, t, v, y, day, at, z, clock, u, j, "Mixed ""Case""", "select" from back) e) as same`);
    expect(row).toEqual({ same: true });
  });

  it('carry flights through gzipped CSV and Parquet into a table and back, with one digest', async () => {
    const text = await move({ at: files, dataset: 'flights.parquet' }, { at: files, dataset: 'flights.csv.gz' });
    const parquet = await move({ at: files, dataset: 'flights.csv.gz' }, { at: files, dataset: 'copy.parquet' });
    const down = await move({ at: files, dataset: 'copy.parquet' }, { at: shop, dataset: 'public.flights' });
    const up = await move({ at: shop, dataset: 'public.flights' }, { at: files, dataset: 'again.parquet' });
    expect([text.rows, parquet.rows, down.rows, up.rows]).toEqual([FLIGHTS, FLIGHTS, FLIGHTS, FLIGHTS]);
    expect([parquet.digest, down.digest, up.digest]).toEqual([text.digest, text.digest, text.digest]);
    const { rows: [count] } = await client.query('select count(*)::int as n from flights');
    expect(count).toEqual({ n: FLIGHTS });
  }, 600_000);

  it('says why the table takes no more, in the middle of a large file too', async () => {
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const duck = await (await DuckDBInstance.create(':memory:')).connect();
    const t = "case when range = 77777 then 'a' || chr(0) else repeat('x', 200) end as t";
    await duck.run(`copy (select range as id, case when range = 77777 then 3000000000 else range end as v from range(2000000)) to '${join(folder.root, 'wide.parquet')}' (format parquet)`);
    await duck.run(`copy (select range as id, ${t} from range(300000)) to '${join(folder.root, 'nul.parquet')}' (format parquet)`);
    await duck.run(`copy (select 1 as id, 'a' || chr(0) as t) to '${join(folder.root, 'little.parquet')}' (format parquet)`);
    duck.closeSync();
    const into = async (dataset: string, target: string, native: Record<string, string>): Promise<unknown> => {
      const source = await files.profile(dataset, 'source');
      const columns = source.columns.map((column) => ({ source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: native[column.name] ?? 'none', nullable: true }));
      const task: LoadTask = { ...aLoad(source, target, { carrier: 'text' }), columns, target: { connection: 'postgres', dataset: target } };
      const writing = await shop.sink.begin(task, aWriter());
      const session = await files.source.begin(task, null);
      try { return await stage(files, writing, task).catch(async (refusal: unknown) => { throw await session.explain?.(refusal) ?? refusal; }); } finally { await writing.discard(); await writing.close(); }
    };
    await expect(into('wide.parquet', 'public.narrow', { id: 'bigint', v: 'integer' })).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 77_778, column: 'v', value: '3000000000', target: 'integer' } });
    await expect(into('nul.parquet', 'public.nul', { id: 'bigint', t: 'text' })).rejects.toMatchObject({ code: 'data.format-invalid', details: { place: 'row 77778, column t' } });
    await expect(into('little.parquet', 'public.little', { id: 'bigint', t: 'text' })).rejects.toMatchObject({ code: 'data.format-invalid', details: { place: 'row 1, column t' } });
  }, 60_000);

  it('names row, column and value that a table or a file cannot hold', async () => {
    await client.query("create table odd (n numeric(5,2)); insert into odd values (1), ('NaN')");
    await expect(move({ at: shop, dataset: 'public.odd' }, { at: files, dataset: 'odd.parquet' })).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 2, column: 'n', value: 'NaN', target: 'DECIMAL(5,2)' } });
    await client.query(`create table odd_json (j json); insert into odd_json values ('{}'), ('{"a":"\\ud800"}')`);
    await expect(move({ at: shop, dataset: 'public.odd_json' }, { at: files, dataset: 'odd_json.parquet' })).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { column: 'j', target: 'JSON' } });
    await client.query(`create table long_text (t text); insert into long_text values (repeat('x', 17000000))`);
    await expect(move({ at: shop, dataset: 'public.long_text' }, { at: files, dataset: 'long.csv' })).rejects.toMatchObject({ code: 'data.row-too-large' });
  });
});
