import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ColumnType, Judging, LoadTask, Profile } from '@agent-etl/contracts';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type LoweredStep, fuseSteps } from '@agent-etl/sql-safety';
import { JudgedRows } from '../judged/judged-rows.ts';
import type { AsideRow } from '../port.ts';
import { type AFolder, aFolder, aLoad } from './testing/a-folder.ts';

const { signal } = new AbortController();
const aside = (checks: Judging['checks'] = []): Judging => ({ pipeline: 'bad_rows', checks, bad: 'aside', atMost: { of: 'share', percent: 100 } });
interface Read { readonly rows: number; readonly kept: string[]; readonly set: (readonly [row: number | null, reason: string, raw: string])[]; readonly proved: number }

describe('bad rows of files', () => {
  let folder: AFolder;
  beforeAll(async () => { folder = await aFolder(); });
  afterAll(() => folder.drop());

  /** Reads a file as a load does that sets bad rows aside. @param types what a target makes of columns that the file only guesses */
  async function read(name: string, judging: Judging, how: { types?: Readonly<Record<string, ColumnType>>; more?: Partial<LoadTask['columns'][number]>; transform?: (profile: Profile) => NonNullable<LoadTask['transform']>; behind?: 'steps' } = {}): Promise<Read> {
    const connection = await folder.open();
    const profile = await connection.profile(name, 'source', 'aside');
    const plain = aLoad(profile, 'out.csv', { carrier: 'text', judging });
    const columns = plain.columns.map((column) => ({ ...column, type: how.types?.[column.target] ?? column.type, ...how.more }));
    const same: LoadTask['transform'] = { input: profile.columns, stages: [{ op: 'rows', columns: profile.columns.map(({ name: column }) => ({ name: column, expr: { k: 'col', name: column } })), where: null }] };
    const session = await connection.source.begin({ ...plain, columns, ...(how.transform ? { transform: how.transform(profile) } : how.behind ? { transform: same } : {}) }, null);
    try {
      const [range] = await session.cut();
      const parts: Buffer[] = [];
      const rows = new JudgedRows({ write: (bytes) => { parts.push(Buffer.from(bytes)); return true; }, drained: async () => undefined }, judging.bad, join(folder.tools.scratch, 'spool'));
      const count = await session.read(range!, { to: rows, onRead: () => undefined, signal });
      rows.end(count);
      const set: AsideRow[] = [];
      for await (const batch of rows.aside.batches()) set.push(...batch);
      rows.aside.drop();
      const { rows: proved } = await session.digest([range!], signal);
      return { rows: count.rows, kept: Buffer.concat(parts).toString().split('\n').filter(Boolean), set: set.map(({ row, reason, raw }) => [row, reason, raw] as const), proved };
    } finally {
      await session.close();
      await connection.close();
    }
  }

  it('sets lines aside that are no rows, and numbers the rows after them over those, with and without a header', async () => {
    await folder.write('ragged.csv', 'id,name\n1,a\n2\n3,"two\nlines"\n4,b,c\n5,"un"quoted\n6,x\n7,bad\n');
    const { set, kept, rows, proved } = await read('ragged.csv', aside([{ check: 'in', column: 'name', values: ['a', 'x', 'two\nlines'] }]));
    expect(set).toEqual([[2, 'parse', '2'], [4, 'parse', '4,b,c'], [5, 'parse', '5,"un"quoted'], [7, 'in:name', '{"id":"7","name":"bad"}']]);
    expect([rows, kept.length, proved]).toEqual([7, 4, 3]); // a cell has two lines
  });
  it('numbers rows of a Parquet file as they lie there, though several threads read it, also where it has a column of that name', async () => {
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    for (const [name, more] of [['many.parquet', ''], ['named.parquet', ', 0 as FILE_ROW_NUMBER']] as const) {
      await connection.run(`copy (select i + 1 as id, case when i % 50000 = 7 then 'bad' else 'ok' end as name${more} from range(400000) t(i)) to '${join(folder.root, name)}' (format parquet, row_group_size 20000)`);
      const { set, rows, proved } = await read(name, aside([{ check: 'in', column: 'name', values: ['ok'] }, { check: 'unique', columns: ['id'] }]));
      expect(set.map(([row, reason]) => [row, reason]).sort(([one], [other]) => Number(one) - Number(other))).toEqual(Array.from({ length: 8 }, (_, nth) => [nth * 50_000 + 8, 'in:name']));
      expect([rows, proved]).toEqual([400_000, 399_992]);
    }
    connection.closeSync();
  });
  it('sets a row aside whose cell does not fit the type it goes to, by its text, also in what gzip packed', async () => {
    await folder.write('types.csv.gz', gzipSync('id,day,n\n1,2011-12-31,5\n2,31.12.2011,6\n3,2011-02-30,7\n4,,99999999999\n5,2012-01-01,1.5\n'));
    const { set, proved } = await read('types.csv.gz', aside([{ check: 'range', column: 'day', to: '2011-12-31' }]), { types: { day: { kind: 'date' }, n: { kind: 'i32' }, id: { kind: 'i64' } } });
    expect(set.map(([row, reason]) => [row, reason])).toEqual([[2, 'type:day'], [3, 'type:day'], [4, 'type:n'], [5, 'type:n']]);
    expect(proved).toBe(1);
  });
  it('sets a row aside whose value a step could not make, though a later step overwrites it, and one that the target does not take', async () => {
    await folder.write('steps.csv', 'id,size,name\n1,5,ab\n2,many,ab\n3,,ab\n4,70000,ab\n5,6,abcd\n6,7,\n');
    const cast = (kind: ColumnType['kind']): LoweredStep => ({ op: 'cast', column: 'size', to: { kind }, onError: 'quarantine' });
    const zero: LoweredStep = { op: 'derive', columns: [{ as: 'size', expr: { k: 'call', fn: 'coalesce', args: [{ k: 'col', name: 'size' }, { k: 'lit', t: { kind: 'i32' }, v: '0' }] } }] };
    const transform = ({ columns }: Profile) => ({
      input: columns.map(({ name, type, native, nullable }) => ({ name, type, native, nullable })),
      stages: [...fuseSteps([cast('i32'), cast('i16'), zero], new Map(columns.map(({ name, type }) => [name, type]))).stages] });
    const { set, proved } = await read('steps.csv', aside(), { transform, more: { targetNative: 'character varying(3)', nullable: false } });
    expect(set.map(([row, reason]) => [row, reason])).toEqual([[2, 'type:size'], [4, 'type:size'], [5, 'type:name'], [6, 'not_null:name']]);
    expect(proved).toBe(2);
  });
  it.each([{}, { behind: 'steps' }] as const)('knows what a column of the target takes: its length, and whether it may be NULL: %j', async (how) => {
    await folder.write('long.csv', 'name\nabc\nabcd\n\n""\n');
    const { set } = await read('long.csv', aside(), { ...how, more: { targetNative: 'character varying(3)', nullable: false } });
    expect(set.map(([row, reason]) => [row, reason])).toEqual([[2, 'type:name'], [3, 'not_null:name']]);
  });
  it('knows that a whole number behind steps is too large for its target', async () => {
    await folder.write('large.csv', 'n\n1\n3000000000\n');
    const { set, proved } = await read('large.csv', aside(), { behind: 'steps', more: { targetNative: 'integer' } });
    expect([set.map(([row, reason]) => [row, reason]), proved]).toEqual([[[2, 'type:n']], 1]);
  });
  it('sets lines aside that are no JSON, no object, or have a key twice, as they stand', async () => {
    await folder.write('lines.ndjson', '{"id":1,"x":1.10}\n{"id":2,\nnot json\n[3]\n{"id":4,"id":5,"x":null}\n{"id":6,"x":1e2}\n');
    const { set, kept } = await read('lines.ndjson', aside());
    expect(set).toEqual([[2, 'parse', '{"id":2,'], [3, 'parse', 'not json'], [4, 'parse', '[3]'], [5, 'parse', '{"id":4,"id":5,"x":null}']]);
    expect(kept).toHaveLength(2);
  });
  it('keeps the first of twins among the rows that pass all else, and takes NULL for nothing that could be equal', async () => {
    await folder.write('twins.csv', 'id,name\n1,bad\n1,good\n1,good\n2,good\n,good\n,good\n');
    const { set, proved } = await read('twins.csv', aside([{ check: 'in', column: 'name', values: ['good'] }, { check: 'unique', columns: ['id'] }]));
    expect(set.map(([row, reason]) => [row, reason])).toEqual([[3, 'unique:id'], [1, 'in:name']]);
    expect(proved).toBe(4);
  });
  it('finds the films that nobody trusts, by their place in the array', async () => {
    await copyFile(join(import.meta.dirname, '../../../../node_modules/vega-datasets/data/movies.json'), join(folder.root, 'movies.json'));
    const ratings = ['G', 'PG', 'PG-13', 'R', 'NC-17', 'Not Rated'];
    const { set, rows, proved } = await read('movies.json', aside([{ check: 'not_null', column: 'Title' }, { check: 'in', column: 'MPAA Rating', values: ratings }]));
    expect([rows, proved]).toEqual([3_201, 3_198]);
    expect(set.map(([row, reason, raw]) => [row, reason, (JSON.parse(raw) as { Title: string | null }).Title])).toEqual([[2172, 'in:MPAA Rating', 'L.I.E.'], [2655, 'in:MPAA Rating', 'Requiem for a Dream'], [3054, 'not_null:Title', null]]);
  }, 30_000);
});
