import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ColumnMapping, LoadTask } from '@agent-etl/contracts';
import { DuckDBInstance } from '@duckdb/node-api';
import type pg from 'pg';
import { join } from 'node:path';
import { aDatabase, clientOf, connectionTo, describeServer } from '../postgres/testing/postgres-harness.ts';
import type { OpenConnection } from '../port.ts';
import { openConnection } from '../registry.ts';
import { type AFolder, aFolder, aLoad, aPublish, aWriter, stage } from './testing/a-folder.ts';

const database = `t_frames_${process.pid}`;
/** A column of every binary form: how DuckDB makes it of the row number n and of h, a hash of it. */
const VALUES: readonly (readonly [native: string, duck: string])[] = [
  ['boolean', 'h % 2 = 0'], ['smallint', 'CAST(h % 65536 - 32768 AS SMALLINT)'], ['integer', 'CAST(h % 4294967296 - 2147483648 AS INTEGER)'], ['bigint', 'CAST(h - 9223372036854775808 AS BIGINT)'],
  ['bigint', 'CAST(h % 65536 - 32768 AS SMALLINT)'], ['real', 'CAST((h % 2000000) / 7.0 - 1e5 AS FLOAT)'], ['double precision', 'CAST(h AS DOUBLE) / 3 * pow(10, CAST(n % 600 AS INTEGER) - 300)'],
  ...[[4, 0], [4, 4], [9, 3], [15, 2], [18, 0], [18, 7], [18, 18], [38, 0], [38, 10], [38, 37]].map(([digits = 0, scale = 0]) => [`numeric(${digits},${scale})`,
    `CAST(CASE WHEN n % 3 = 0 THEN '-' ELSE '' END || coalesce(nullif(left(left(CAST(h AS VARCHAR), 1 + CAST(n % 19 AS INTEGER)) || CASE WHEN n % 5 = 0 THEN '00000000000' WHEN n % 7 = 0 THEN CAST(h AS VARCHAR) ELSE '' END, ${digits - scale}), ''), '0') || '.' || left(CAST(hash(u) AS VARCHAR) || '00000000000000000000', ${scale}) || '0' AS DECIMAL(${digits},${scale}))`] as const),
  ['text', "CASE n % 11 WHEN 0 THEN '' WHEN 1 THEN repeat('日本', CAST(h % 2000 AS INTEGER)) ELSE left('é😀' || CAST(h AS VARCHAR), CAST(n % 20 AS INTEGER)) END"], ['character varying(44)', "repeat('ü', CAST(h % 45 AS INTEGER))"], ['character(7)', "left(CAST(h AS VARCHAR), CAST(n % 8 AS INTEGER))"],
  ['bytea', "from_hex(repeat(lpad(to_hex(u), 16, '0'), CAST(n % 5 AS INTEGER)))"], ['date', "CASE n % 97 WHEN 0 THEN CAST('infinity' AS DATE) WHEN 1 THEN CAST('-infinity' AS DATE) ELSE CAST('2000-01-01' AS DATE) + CAST(h % 1400000 - 700000 AS INTEGER) END"],
  ['time without time zone', "CASE n % 97 WHEN 0 THEN CAST('24:00:00' AS TIME) ELSE make_time(CAST(h % 24 AS BIGINT), CAST(h % 60 AS BIGINT), CAST(h % 60000000 AS DOUBLE) / 1e6) END"],
  ...['timestamp without time zone', 'timestamp with time zone'].map((native) => [native, `CAST(CASE n % 97 WHEN 0 THEN CAST('infinity' AS TIMESTAMP) WHEN 1 THEN CAST('-infinity' AS TIMESTAMP) ELSE make_timestamp(CAST(h % 100000000000000000 AS BIGINT) - 50000000000000000) END AS ${native === 'timestamp with time zone' ? 'TIMESTAMPTZ' : 'TIMESTAMP'})`] as const),
  ['uuid', 'CAST(md5(CAST(h AS VARCHAR)) AS UUID)'], ['json', "CAST('{\"a\": ' || h || '}' AS JSON)"], ['jsonb', "CAST('{\"a\": ' || h || '}' AS JSON)"],
];

describeServer('binary frames of files', (admin) => {
  let folder: AFolder;
  let files: OpenConnection;
  let shop: OpenConnection;
  let client: pg.Client;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    closing.push(await aDatabase(admin, database));
    client = await clientOf(admin, database);
    closing.unshift(() => client.end());
    await client.query("set time zone 'UTC'; set extra_float_digits = 3");
    folder = await aFolder();
    closing.unshift(() => folder.drop());
    files = await openConnection(folder.connection, folder.tools);
    shop = await openConnection(connectionTo(admin, database, { name: 'shop' }), folder.tools);
  }, 60_000);
  afterAll(async () => { for (const close of closing) await close(); });

  async function duck(statement: string): Promise<void> {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    try { await connection.run(statement); } finally { connection.closeSync(); }
  }
  /** Loads a file into a table of the given types, as the worker does, by either carrier. */
  async function load(dataset: string, target: string, { natives, carrier = 'frames' }: { natives: readonly string[]; carrier?: 'frames' | 'text' }): Promise<number> {
    const source = await files.profile(dataset, 'source');
    const columns = source.columns.map(({ name, type, native }, index): ColumnMapping => ({ source: name, target: name, type, sourceNative: native, targetNative: natives[index] ?? 'none', nullable: !natives[index]?.endsWith(' not null') }));
    const task: LoadTask = { ...aLoad(source, target, { carrier }), columns: columns.map((column) => ({ ...column, targetNative: column.targetNative.replace(' not null', '') })), target: { connection: 'postgres', dataset: target } };
    const writing = await shop.sink.begin(task, aWriter());
    const session = await files.source.begin(task, null);
    try {
      const { rows } = await stage(files, writing, task).catch(async (refusal: unknown) => { throw await session.explain?.(refusal) ?? refusal; });
      await writing.publish(aPublish(task, { how: 'rename' }), { rows, digest: null });
      return rows;
    } finally {
      await session.close();
      await writing.discard();
      await writing.close();
    }
  }

  it('hold the same rows as text does, of every type and with NULLs', async () => {
    const values = VALUES.map(([, value], index) => `CASE WHEN (u >> ${index}) % 8 = 0 THEN NULL ELSE ${value} END AS v${index}`);
    await duck(`COPY (SELECT n, ${values.join(', ')} FROM (SELECT range AS n, hash(range * 77 + 5) AS u, CAST(u AS HUGEINT) AS h FROM range(20000))) TO '${join(folder.root, 'all.parquet')}' (FORMAT parquet)`);
    const natives = ['bigint', ...VALUES.map(([native]) => native)];
    expect(await load('all.parquet', 'public.by_frames', { natives })).toBe(20_000);
    expect(await load('all.parquet', 'public.by_text', { natives, carrier: 'text' })).toBe(20_000);
    for (const index of VALUES.keys()) {
      const { rows: [row] } = await client.query(`select count(*)::int as n, count(f.v${index})::int as filled, min(f.n) as first from by_frames f join by_text t using (n) where f.v${index}::text is distinct from t.v${index}::text`);
      expect([index, VALUES[index]?.[0], row]).toEqual([index, VALUES[index]?.[0], { n: 0, filled: 0, first: null }]);
      const { rows: [there] } = await client.query(`select count(distinct v${index}::text)::int > 1 as varied, bool_or(v${index} is null) as nulls from by_frames`);
      expect([index, there]).toEqual([index, { varied: true, nulls: true }]);
    }
  }, 120_000);

  it('hold the powers of two that the engine prints wrongly, and the doubles that are no numbers', async () => {
    await duck(`COPY (SELECT range AS n, CASE WHEN range < 2046 THEN pow(2, CAST(range AS DOUBLE) - 1022) WHEN range = 2046 THEN CAST('nan' AS DOUBLE) WHEN range = 2047 THEN CAST('inf' AS DOUBLE) WHEN range = 2048 THEN CAST('-inf' AS DOUBLE) ELSE CAST('-0.0' AS DOUBLE) END AS v FROM range(2050)) TO '${join(folder.root, 'powers.parquet')}' (FORMAT parquet)`);
    await load('powers.parquet', 'public.powers', { natives: ['bigint', 'double precision'] });
    const { rows: [row] } = await client.query(`select count(*) filter (where n < 2046 and encode(float8send(v), 'hex') = lpad(to_hex((n + 1) << 52), 16, '0'))::int as powers, count(*) filter (where v::text in ('NaN', 'Infinity', '-Infinity', '-0'))::int as others from powers`);
    expect(row).toEqual({ powers: 2046, others: 4 });
  });

  it('name row, column and value that the table does not take', async () => {
    const make = (name: string, value: string): Promise<void> => duck(`COPY (SELECT range AS id, ${value} AS v FROM range(100000)) TO '${join(folder.root, `${name}.parquet`)}' (FORMAT parquet)`);
    await make('long', "CASE WHEN range = 77777 THEN 'éééééé' WHEN range = 5 THEN 'ééééé    ' ELSE 'x' END");
    await expect(load('long.parquet', 'public.long', { natives: ['bigint', 'character varying(5)'] })).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 77_778, column: 'v', value: 'éééééé', target: 'character varying(5)' } });
    await make('lack', 'CASE WHEN range = 77777 THEN NULL ELSE range END');
    await expect(load('lack.parquet', 'public.lack', { natives: ['bigint', 'bigint not null'] })).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 77_778, column: 'v', value: 'NULL' } });
    await make('nul', "CASE WHEN range = 77777 THEN 'a' || chr(0) ELSE repeat('x', 200) END");
    await expect(load('nul.parquet', 'public.nul', { natives: ['bigint', 'text'] })).rejects.toMatchObject({ code: 'data.format-invalid', details: { place: 'row 77778, column v' } });
    await make('early', "CASE WHEN range = 77777 THEN CAST('5000-01-01 (BC)' AS TIMESTAMP) ELSE CAST('2020-01-01' AS TIMESTAMP) END");
    await expect(load('early.parquet', 'public.early', { natives: ['bigint', 'timestamp without time zone'] })).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 77_778, column: 'v', value: '5000-01-01 (BC) 00:00:00' } });
    await make('escape', `CASE WHEN range = 77777 THEN CAST('{"a": "\\u0000"}' AS JSON) ELSE CAST('{}' AS JSON) END`);
    await expect(load('escape.parquet', 'public.escape', { natives: ['bigint', 'jsonb'] })).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 77_778, column: 'v', value: '{"a": "\\u0000"}' } });
    const { rows: [left] } = await client.query("select count(*)::int as n from pg_tables where schemaname = 'public' and tablename in ('long', 'lack', 'nul', 'early', 'escape')");
    expect(left).toEqual({ n: 0 });
  }, 120_000);

  it('refuse a cell of a text file in the words that text has for it', async () => {
    await folder.write('cells.csv', `id,v\n${Array.from({ length: 5_000 }, (_, index) => `${index},${index === 4_321 ? 'x' : index}`).join('\n')}\n`);
    const source = await files.profile('cells.csv', 'source');
    const columns: ColumnMapping[] = source.columns.map(({ name }) => ({ source: name, target: name, type: { kind: 'i64' }, sourceNative: 'BIGINT', targetNative: 'bigint', nullable: true }));
    const into = async (carrier: 'frames' | 'text'): Promise<unknown> => {
      const task: LoadTask = { ...aLoad(source, 'public.cells', { carrier }), columns, target: { connection: 'postgres', dataset: 'public.cells' } };
      const writing = await shop.sink.begin(task, aWriter());
      return stage(files, writing, task).then(() => 'staged', (error: { code: string; cell: unknown; next?: unknown }) => ({ code: error.code, cell: error.cell, next: error.next })).finally(async () => { await writing.discard(); await writing.close(); });
    };
    const said = await into('frames');
    expect(said).toMatchObject({ code: 'data.value-out-of-range', cell: { row: 4_322, column: 'v', value: 'x' } });
    expect(said).toEqual(await into('text'));
  }, 60_000);
});
