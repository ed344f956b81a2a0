import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ColumnMapping } from '@agent-etl/contracts';
import { mkdir, readFile, readdir, symlink, writeFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type AFolder, aFolder, aLoad, aPublish, aWriter, stage } from './testing/a-folder.ts';

const { signal } = new AbortController();
let folder: AFolder;
beforeEach(async () => { folder = await aFolder(); });
afterEach(async () => { expect(await readdir(folder.tools.scratch)).toEqual([]); await folder.drop(); });

const names = async (): Promise<string[]> => (await readdir(join(folder.root, 'out'), { recursive: true })).sort();
const foldersOf = async (): Promise<string[]> => [...new Set((await names()).filter((name) => /part-/.test(name)).map((name) => name.split('/').slice(0, -1).join('/')))].sort();
/** Types that are said where a profile of texts would guess others. */
type Typed = Readonly<Record<string, ColumnMapping['type']>>;
interface Write { readonly source: string; readonly target: string; readonly by: readonly string[]; readonly types?: Typed; readonly carrier?: 'file' | 'text' }
async function planned({ source, target, by, types = {}, carrier = 'file' }: Write) {
  const open = await folder.open();
  const task = aLoad(await open.profile(source, 'source'), target, { carrier, partitionBy: [...by] });
  const natives: Record<string, string> = { i32: 'INTEGER', text: 'VARCHAR', dec: 'DECIMAL(4,2)', bool: 'BOOLEAN', f64: 'DOUBLE' };
  const columns = task.columns.map((column) => { const type = types[column.target]; return type ? { ...column, type, targetNative: natives[type.kind]! } : column; });
  return { open, task: { ...task, columns } };
}
/** Writes a dataset by partitions, compares every row with what our own source reads of the folder, and answers its digest. */
async function written(write: Write): Promise<string> {
  const { open, task } = await planned(write);
  const publish = aPublish(task, { partitionBy: [...write.by] });
  const sink = await open.sink.begin(task, aWriter());
  const { rows, digest } = await stage(open, sink, task);
  const staged = await sink.stagedDigest(publish, signal);
  expect(`${staged.rows}:${staged.a}:${staged.b}`).toBe(`${rows}:${digest}`);
  await sink.publish(publish, { rows, digest: staged });
  expect((await names()).some((name) => /\.etl-/.test(name))).toBe(false);
  const again = await open.profile(write.target, 'source');
  const back = aLoad(again, 'x.parquet', { columns: task.columns.map((column) => ({ ...column, source: column.target })) });
  const session = await open.source.begin({ ...back, sourceFingerprint: again.fingerprint }, null);
  const read = await session.digest(await session.cut(), signal);
  await session.close();
  expect(`${read.rows}:${read.a}:${read.b}`).toBe(`${rows}:${digest}`);
  const seen = await open.sink.current(publish, signal);
  expect(`${seen.rows}:${seen.a}:${seen.b}`).toBe(`${rows}:${digest}`);
  return digest;
}

const ROWS = 'id,city,m,share,ok,day,x\n1,New York,01,0.50,true,2024-01-31,1.5\n2,"a/b=c%",02,-0.25,false,2024-01-31,2.5\n3,,01,0.50,,2024-02-01,\n4,"",02,,true,,4\n5,__HIVE_DEFAULT_PARTITION__,01,1.00,true,2024-02-01,5\n6,"zürich\nline",02,0.50,true,2024-01-31,6\n';
const TYPES: Typed = { id: { kind: 'i32' }, city: { kind: 'text' }, m: { kind: 'text' }, share: { kind: 'dec', precision: 4, scale: 2 }, ok: { kind: 'bool' } };

describe('a folder with partitions', () => {
  for (const target of ['out/**/*.parquet', 'out/**/*.csv', 'out/**/*.csv.gz', 'out/**/*.ndjson', 'out/**/*.json.gz', 'out/']) {
    for (const carrier of ['file', 'text'] as const) {
      it(`is read back equal, by text, decimal, boolean, day and no value: ${target}, ${carrier}`, async () => {
        await folder.write('in.csv', ROWS);
        const digests: string[] = [];
        for (const by of target === 'out/' ? [['city'], ['m', 'city'], ['share'], ['ok', 'day']] : [['day', 'share', 'city', 'm', 'ok']]) digests.push(await written({ source: 'in.csv', target, by, types: TYPES, carrier }));
        expect(new Set(digests).size).toBe(1);
      });
    }
  }
  it.each(['out/**/*.parquet', 'out/**/*.csv', 'out/**/*.csv.gz'])('of no rows at all is there, has its columns, and holds none: %s', async (target) => {
    await folder.write('in.csv', 'id,city,day\n');
    await written({ source: 'in.csv', target, by: ['city', 'day'], types: { id: { kind: 'i32' }, city: { kind: 'text' }, day: { kind: 'text' } } });
    expect(await foldersOf()).toEqual(['city=__HIVE_DEFAULT_PARTITION__/day=__HIVE_DEFAULT_PARTITION__']);
    const open = await folder.open();
    expect(await open.profile(target, 'source')).toMatchObject({ exists: true, rows: 0, columns: [{ name: 'id' }, { name: 'city' }, { name: 'day' }] });
    await folder.write('in.csv', 'id,city,day\n1,x,y\n');
    await written({ source: 'in.csv', target, by: ['city', 'day'], types: { id: { kind: 'i32' }, city: { kind: 'text' }, day: { kind: 'text' } } });
    expect(await foldersOf()).toEqual(['city=x/day=y']);
  });
  it('names its folders as Hive does, and holds the columns of the folders in no file', async () => {
    await folder.write('in.csv', ROWS);
    await written({ source: 'in.csv', target: 'out/**/*.csv', by: ['m', 'city'], types: TYPES });
    expect(await foldersOf()).toEqual(['m=01/city=%5F_HIVE_DEFAULT_PARTITION__', 'm=01/city=New York', 'm=01/city=__HIVE_DEFAULT_PARTITION__', 'm=02/city=', 'm=02/city=a%2Fb%3Dc%25', 'm=02/city=zürich%0Aline']);
    const manifest = JSON.parse(await readFile(join(folder.root, 'out/_manifest.json'), 'utf8')) as { parts: { name: string; rows: number }[] };
    expect(manifest).toMatchObject({ partitionBy: ['m', 'city'], rows: 6, columns: expect.arrayContaining([{ name: 'm', type: 'VARCHAR' }]) as unknown });
    for (const { name } of manifest.parts) expect((await readFile(join(folder.root, 'out', name), 'utf8')).split('\n')[0]).toBe('id,share,ok,day,x');
    const { columns } = await (await folder.open()).profile('out', 'source');
    expect(columns.map(({ name, native }) => `${name} ${native}`).slice(-2)).toEqual(['m VARCHAR', 'city VARCHAR']); // 01 and 02 stay texts: the manifest says so
  });
  it('takes the place of another, with other partitions or none, and leaves no folder of it', async () => {
    await folder.write('in.csv', ROWS);
    await written({ source: 'in.csv', target: 'out/**/*.csv', by: ['m', 'city'], types: TYPES });
    await written({ source: 'in.csv', target: 'out/**/*.csv', by: ['day'], types: TYPES });
    expect(await foldersOf()).toEqual(['day=2024-01-31', 'day=2024-02-01', 'day=__HIVE_DEFAULT_PARTITION__']);
    expect((await readdir(join(folder.root, 'out'))).sort()).toEqual(['_manifest.json', 'day=2024-01-31', 'day=2024-02-01', 'day=__HIVE_DEFAULT_PARTITION__']);
    const open = await folder.open();
    const task = aLoad(await open.profile('in.csv', 'source'), 'out/**/*.csv');
    const sink = await open.sink.begin(task, aWriter());
    const { rows } = await stage(open, sink, task);
    await sink.publish(aPublish(task), { rows, digest: await sink.stagedDigest(aPublish(task), signal) });
    expect((await readdir(join(folder.root, 'out'))).length).toBe(2);
  });
  it('is read by DuckDB, whose own reader of such folders says the same', async () => {
    await folder.write('in.csv', ROWS);
    await written({ source: 'in.csv', target: 'out/**/*.parquet', by: ['m', 'city'], types: TYPES });
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const rows = await connection.runAndReadAll(`select id, city, m from read_parquet('${folder.root}/out/**/*.parquet', hive_partitioning = true, hive_types = {city: varchar, m: varchar}) order by id`);
    expect(rows.getRows()).toEqual([[1, 'New York', '01'], [2, 'a/b=c%', '02'], [3, null, '01'], [4, '', '02'], [5, '__HIVE_DEFAULT_PARTITION__', '01'], [6, 'zürich\nline', '02']]);
    connection.closeSync();
  });
  it('has one file for each of hundreds of partitions', async () => {
    await folder.write('in.csv', `id,k\n${Array.from({ length: 200_000 }, (_, row) => `${row},${row % 900}`).join('\n')}\n`);
    await written({ source: 'in.csv', target: 'out/**/*.csv', by: ['k'] });
    expect([(await foldersOf()).length, (await names()).filter((name) => /part-/.test(name)).length]).toEqual([900, 900]);
  }, 60_000);

  it.each(['file', 'text'] as const)('refuses more partitions than there may be, before it writes one, and leaves nothing: %s', async (carrier) => {
    await folder.write('in.csv', `id,k\n${Array.from({ length: 60_000 }, (_, row) => `${row},${row}`).join('\n')}\n`);
    const { open, task } = await planned({ source: 'in.csv', target: 'out/', by: ['k'], carrier });
    const sink = await open.sink.begin(task, aWriter());
    await expect(stage(open, sink, task)).rejects.toMatchObject({ code: 'sink.too-many-partitions', details: { limit: 1_000, columns: 'k' } });
    expect(await names()).toEqual([]);
  }, 60_000);
  it('refuses a value that no folder can be named after, with its column', async () => {
    await folder.write('in.csv', `id,k\n1,${'x'.repeat(300)}\n`);
    const { open, task } = await planned({ source: 'in.csv', target: 'out/', by: ['k'] });
    await expect(stage(open, await open.sink.begin(task, aWriter()), task)).rejects.toMatchObject({ code: 'data.value-out-of-range', details: { column: 'k', type: 'NAME OF A FOLDER' } });
    await folder.write('in.csv', `id,k\n1,${'/'.repeat(120)}\n`);
    const spelled = await planned({ source: 'in.csv', target: 'out/', by: ['k'] });
    await expect(stage(spelled.open, await spelled.open.sink.begin(spelled.task, aWriter()), spelled.task)).rejects.toMatchObject({ code: 'file.forbidden', details: { reason: 'the folder of a partition has a name of 362 bytes, and a file system takes 255' } });
    expect(await names()).toEqual([]);
  });
  it('follows its manifest behind no link', async () => {
    await folder.write('in.csv', 'id,k\n1,a\n');
    await written({ source: 'in.csv', target: 'out/**/*.csv', by: ['k'] });
    await rename(join(folder.root, 'out/k=a'), join(folder.root, '../elsewhere'));
    await symlink(join(folder.root, '../elsewhere'), join(folder.root, 'out/k=a'));
    await expect((await folder.open()).profile('out', 'source')).rejects.toMatchObject({ code: 'file.forbidden' });
  });
  it('refuses a folder that holds files of others between its partitions', async () => {
    await mkdir(join(folder.root, 'out/k=a'), { recursive: true });
    await writeFile(join(folder.root, 'out/k=a/theirs.csv'), 'id\n1\n');
    await expect((await folder.open()).profile('out/', 'target')).rejects.toMatchObject({ code: 'file.forbidden', details: { reason: expect.stringContaining('k=a/theirs.csv') as unknown } });
  });
});

