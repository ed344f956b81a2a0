import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ColumnSketch, DatasetSketch, SketchTask } from '@agent-etl/contracts';
import { DuckChild } from '@agent-etl/engines';
import { compile, literal, sqlFor } from '@agent-etl/sql-safety';
import type pg from 'pg';
import { type AFolder, aFolder } from '../file/testing/a-folder.ts';
import type { OpenConnection } from '../port.ts';
import { openConnection } from '../registry.ts';
import { aDatabase, clientOf, connectionTo, describeServer } from '../postgres/testing/postgres-harness.ts';

const database = `t_sketch_${process.pid}`;
const duck = sqlFor('duckdb');
/** Ten million rows with `npm run proof -- faults`, two in each gate. */
const MANY = process.env['ETL_TEST_FAULTS'] === 'all' ? 10_000_000 : 2_000_000;
const never = { signal: new AbortController().signal, onRows: () => undefined };
const task = (connection: string, dataset: string, most: Partial<SketchTask['most']> = {}): SketchTask => ({ id: 'sketch', kind: 'sketch', source: { connection, dataset }, when: 'asked', most: { rows: 50_000_000, seconds: 240, ...most } });
const column = ({ columns }: DatasetSketch, name: string): ColumnSketch => columns.find((each) => each.name === name)!;
const total = ({ histogram }: ColumnSketch): number => histogram?.counts.reduce((sum, count) => sum + count, 0) ?? 0;

/** Greatest memory of any engine that this process starts while it works, in MiB. */
async function peakOf<T>(work: () => Promise<T>): Promise<{ answer: T; peak: number }> {
  let peak = 0;
  const look = setInterval(() => { void children().then((sizes) => { peak = Math.max(peak, ...sizes); }); }, 50);
  try { return { answer: await work(), peak }; } finally { clearInterval(look); }
}
async function children(): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')));
  return texts.filter((text) => text.includes(`PPid:\t${process.pid}\n`)).map((text) => Number(/VmHWM:\s+(\d+) kB/.exec(text)?.[1] ?? 0) / 1024);
}

describeServer('a sketch of a table or a file', (admin) => {
  let shop: OpenConnection;
  let client: pg.Client;
  let folder: AFolder;
  let files: OpenConnection;
  const closing: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    closing.push(await aDatabase(admin, database));
    client = await clientOf(admin, database);
    closing.unshift(() => client.end());
    folder = await aFolder();
    closing.unshift(() => folder.drop());
    const connection = connectionTo(admin, database, { name: 'shop' });
    shop = await openConnection(connection, folder.tools);
    files = await folder.open();
    await client.query(`create table wide as select i as id, (i % 7777)::int as few, case when i % 10 = 0 then null else round((i * 0.37)::numeric, 2) end as price,
      'person' || (i % 50000) || '@example.com' as email, timestamptz '2024-01-01 00:00Z' + i * interval '1 minute' as at, repeat('x', 120) as filler from generate_series(1, 700000) as i`);
    await client.query(`create table edge (b boolean, l bigint, d numeric, f double precision, t text, y bytea, day date, at timestamp, z timestamptz, clock time, u uuid, j json, words text[], "Mixed ""Case""" text, "value" int, i int)`);
    await client.query(`insert into edge values (true, 9007199254740993, 1.10, 'NaN', 'secret-value', '\\x00', '0044-03-15 BC', 'infinity', '-infinity', '24:00', gen_random_uuid(), '{"a":1}', '{x}', 'é', 1, -5),
      (false, 9007199254740992, 1.1, 'Infinity', '', '', 'infinity', '9999-12-31', '2024-01-01', '00:00', null, 'null', null, null, 2, 5), (null, null, 'NaN', 4.9e-324, null, null, null, null, null, null, null, null, null, null, null, null)`);
  }, 120_000);
  afterAll(async () => { for (const close of closing) await close(); });

  it('of a table merges its pieces to what the server counts over all of it', async () => {
    const seen: number[] = [];
    const sketch = await shop.sketch!(task('shop', 'public.wide'), { ...never, onRows: (rows) => { seen.push(rows); } });
    expect(sketch).toMatchObject({ rows: 700_000, whole: true, engine: expect.stringMatching(/^PostgreSQL \d+/) });
    expect(sketch.pieces).toBeGreaterThan(1);
    expect(seen.at(-1)).toBe(700_000);
    expect(column(sketch, 'id')).toMatchObject({ nulls: 0, min: '1', max: '700000', measure: 'value' });
    expect(column(sketch, 'price')).toMatchObject({ nulls: 70_000, min: '0.37', max: '258999.63' });
    expect(column(sketch, 'at').min).toContain('2024-01-01 00:01:00');
    for (const [name, exact] of [['id', 700_000], ['few', 7_777], ['email', 50_000], ['price', 630_000], ['filler', 1]] as const) {
      const { low, high } = column(sketch, name).distinct;
      expect([name, low <= exact && exact <= high, high - low <= exact * 0.2 + 1]).toEqual([name, true, true]);
    }
    const { rows } = await client.query<{ bar: number; n: string }>(`select floor(price / 8192)::int as bar, count(*) as n from wide where price is not null group by 1 order by 1`);
    const { from, width, counts } = column(sketch, 'price').histogram!;
    expect([from, width]).toEqual([0, 8192]);
    expect(counts).toEqual(rows.map(({ n }) => Number(n)));
    expect(column(sketch, 'filler')).toMatchObject({ measure: 'length', min: '120', max: '120' });
  }, 120_000);

  it('takes every type, and tells no value of a text', async () => {
    const sketch = await shop.sketch!(task('shop', 'public.edge'), never);
    expect(JSON.stringify(sketch)).not.toContain('secret-value');
    expect(column(sketch, 'l')).toMatchObject({ min: '9007199254740992', max: '9007199254740993', nulls: 1 });
    expect(column(sketch, 'd')).toMatchObject({ distinct: { estimate: 2 }, beyond: 1, nulls: 0 });
    expect(column(sketch, 'f')).toMatchObject({ beyond: 2, nulls: 0 });
    expect(column(sketch, 'day')).toMatchObject({ beyond: 1, min: '0044-03-15 BC', nulls: 1 });
    expect(column(sketch, 'z')).toMatchObject({ beyond: 1, nulls: 1 });
    expect(column(sketch, 't')).toMatchObject({ measure: 'length', min: '0', max: '12' });
    expect(column(sketch, 'u')).toMatchObject({ measure: 'none', min: null, histogram: null, nulls: 2 });
    expect(column(sketch, 'words')).toMatchObject({ measure: 'none', nulls: 2 });
  });

  it('of views and of nothing', async () => {
    await client.query('create view part as select id, few from wide where id <= 10; create table nothing (a int, b text)');
    expect(await shop.sketch!(task('shop', 'public.part'), never)).toMatchObject({ rows: 10, pieces: 1, whole: true });
    expect(await shop.sketch!(task('shop', 'public.nothing'), never)).toMatchObject({ rows: 0, columns: [{ nulls: 0, distinct: { estimate: 0, high: 0 }, histogram: null }, {}] });
    await expect(shop.sketch!(task('shop', 'public.wides'), never)).rejects.toMatchObject({ code: 'source.not-found', message: expect.stringContaining('wides') });
  });

  it('ends at its bound and says that it did, and stops when nobody wants it any more', async () => {
    const sketch = await shop.sketch!(task('shop', 'public.wide', { rows: 1 }), never);
    expect(sketch).toMatchObject({ whole: false, pieces: 1 });
    expect(sketch.rows).toBeLessThan(sketch.ofRows);
    const stop = new AbortController();
    const reading = shop.sketch!(task('shop', 'public.wide'), { signal: stop.signal, onRows: () => { stop.abort(new Error('nobody waits')); } });
    await expect(reading).rejects.toThrow('nobody waits');
    const active = async (): Promise<unknown[]> => (await client.query(`select 1 from pg_stat_activity where datname = $1 and pid <> pg_backend_pid() and state = 'active'`, [database])).rows;
    for (const until = Date.now() + 5_000; (await active()).length && Date.now() < until;) await new Promise((done) => { setTimeout(done, 50); });
    expect(await active()).toEqual([]);
  }, 60_000);

  it('of millions of rows of Parquet stays within 512 MiB and its bounds', async () => {
    const engine = await DuckChild.start({ about: 'made', scratch: folder.tools.scratch, files: [join(folder.root, 'many.parquet')] });
    await engine.copy(compile(duck`COPY (SELECT i AS id, i % 200000 AS some, CASE WHEN i % 4 = 0 THEN NULL ELSE i * 0.5 END AS price, 'name ' || (i % ${literal('duckdb', MANY * 0.245)}) AS name, TIMESTAMP '2024-01-01' + to_seconds(i) AS at, i % 3 = 0 AS flag
      FROM range(${literal('duckdb', MANY)}) AS r(i)) TO ${literal('duckdb', join(folder.root, 'many.parquet'))} (FORMAT parquet, COMPRESSION zstd)`));
    await engine.stop();
    const { answer: sketch, peak } = await peakOf(() => files.sketch!(task('files', 'many.parquet'), never));
    expect(peak).toBeGreaterThan(30);
    expect(peak).toBeLessThan(512);
    expect(sketch).toMatchObject({ rows: MANY, whole: true, engine: expect.stringMatching(/^DuckDB v/) });
    expect(column(sketch, 'price')).toMatchObject({ nulls: MANY / 4, min: '0.5' });
    expect(total(column(sketch, 'price'))).toBe(MANY * 0.75);
    for (const [name, exact] of [['id', MANY], ['some', 200_000], ['name', MANY * 0.245], ['flag', 2]] as const) {
      const { low, high } = column(sketch, name).distinct;
      expect([name, low <= exact && exact <= high]).toEqual([name, true]);
    }
  }, 240_000);

  it('of a text and of objects is that of the same rows in Parquet', async () => {
    const rows = Array.from({ length: 500 }, (_, index) => ({ id: index, note: `n${index % 50}`, price: index / 4, at: `2024-01-0${1 + index % 9} 00:00:00` }));
    await folder.write('rows.csv', `id,note,price,at\n${rows.map((row) => Object.values(row).join(',')).join('\n')}\n`);
    await folder.write('rows.ndjson', rows.map((row) => JSON.stringify(row)).join('\n'));
    const [csv, json] = [await files.sketch!(task('files', 'rows.csv'), never), await files.sketch!(task('files', 'rows.ndjson'), never)];
    for (const sketch of [csv, json]) {
      expect(column(sketch, 'id')).toMatchObject({ min: '0', max: '499', nulls: 0, distinct: { low: expect.any(Number) } });
      expect(column(sketch, 'price')).toMatchObject({ histogram: column(csv, 'price').histogram });
      expect(column(sketch, 'note')).toMatchObject({ measure: 'length', min: '2', max: '3' });
      expect(total(column(sketch, 'at'))).toBe(500);
    }
  }, 60_000);
});
