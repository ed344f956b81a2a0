import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, readFile, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type AFolder, aFolder, aLoad, aPublish, aWriter, stage } from './testing/a-folder.ts';

const { signal } = new AbortController();
let folder: AFolder;
beforeEach(async () => { folder = await aFolder(); });
afterEach(async () => { expect(await readdir(folder.tools.scratch)).toEqual([]); await folder.drop(); });

async function write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder.root, name)), { recursive: true });
    await writeFile(join(folder.root, name), content);
  }
}
/** Writes Parquet files that somebody else may have made. */
async function parquet(files: Readonly<Record<string, string>>): Promise<void> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  for (const [name, select] of Object.entries(files)) {
    await mkdir(dirname(join(folder.root, name)), { recursive: true });
    await connection.run(`copy (${select}) to '${join(folder.root, name)}' (format parquet)`);
  }
  connection.closeSync();
}
const profile = async (dataset: string) => (await folder.open()).profile(dataset, 'source');
const shown = ({ columns }: { columns: readonly { name: string; native: string }[] }) => columns.map(({ name, native }) => `${name} ${native}`);

/** Copies a dataset to a CSV, with every row compared, and answers its lines. */
async function copied(dataset: string, carrier: 'file' | 'text' = 'file'): Promise<string[]> {
  const open = await folder.open();
  const task = aLoad(await open.profile(dataset, 'source'), 'out.csv', { carrier });
  const sink = await open.sink.begin(task, aWriter());
  const { rows, digest } = await stage(open, sink, task);
  const staged = await sink.stagedDigest(aPublish(task), signal);
  expect(`${staged.rows}:${staged.a}:${staged.b}`).toBe(`${rows}:${digest}`);
  await sink.publish(aPublish(task), { rows, digest: staged });
  return (await readFile(join(folder.root, 'out.csv'), 'utf8')).trim().split('\n').sort();
}
const both = async (dataset: string) => {
  const lines = await copied(dataset);
  expect(await copied(dataset, 'text')).toEqual(lines);
  return lines;
};

describe('a folder of files', () => {
  it('is one dataset, whose folders are typed columns', async () => {
    await parquet({
      'events/year=2023/day=2023-12-31/a.parquet': "select 1::bigint as id, 'x' as name", 'events/year=2024/day=2024-01-01/b.parquet': "select 2::bigint as id, 'y' as name union all select 3, null",
      'events/year=2024/day=__HIVE_DEFAULT_PARTITION__/c.parquet': "select 4::bigint as id, 'z' as name", 'events/_SUCCESS': "select 1 as marker",
    });
    for (const dataset of ['events/', 'events/**/*.parquet']) {
      const found = await profile(dataset);
      expect([shown(found), found.rows, found.rowsExact, found.system]).toEqual([['id BIGINT', 'name VARCHAR', 'year BIGINT', 'day DATE'], 4, true, 'folder of parquet']);
      expect(found.options['partitions']).toBe('[["year","BIGINT"],["day","DATE"]]');
      expect(await both(dataset)).toEqual(['1,x,2023,2023-12-31', '2,y,2024,2024-01-01', '3,,2024,2024-01-01', '4,z,2024,', 'id,name,year,day']);
    }
  });
  it.each([['csv', 'id,name\n1,x\n', 'id,name\n2,"y\nz"\n'], ['csv.gz', gzipSync('id,name\n1,x\n'), gzipSync('id,name\n2,"y\nz"\n')], ['ndjson', '{"id":1,"name":"x"}\n', '{"name":"y\\nz","id":2}\n'], ['json', '[{"id":1,"name":"x"}]', '[{"id":2,"name":"y\\nz"}]']])(
    'of %s is one, too, with names in percent and zeros in front', async (ending, first, second) => {
      await write({ [`in/shop=a%2Fb/month=01/1.${ending}`]: first, [`in/shop=c d/month=02/deep/2.${ending}`]: second });
      expect(shown(await profile('in/'))).toEqual(['id BIGINT', 'name VARCHAR', 'shop VARCHAR', 'month VARCHAR']);
      expect(await both('in/')).toEqual(['1,x,a/b,01', '2,"y', 'id,name,shop,month', 'z",c d,02']);
    });
  it('without names in its folders is its files one after the other, also when there is one', async () => {
    await write({ 'in/a.csv': 'id\n1\n', 'in/sub/b.csv': 'id\n2\n', 'one/a.csv': 'id\n5\n' });
    expect([await both('in/'), await both('in/**/*.csv'), await both('one/')]).toEqual([['1', '2', 'id'], ['1', '2', 'id'], ['5', 'id']]);
    expect((await profile('**/*.csv')).rows).toBe(4);
  });

  it('is refused with the file that has other columns', async () => {
    await parquet({ 'p/a.parquet': 'select 1::bigint as id, 2 as n', 'p/b.parquet': 'select 1::bigint as id, 2 as n', 'p/c.parquet': "select 1::bigint as id, 'x' as n, 3 as more" });
    await expect(profile('p/')).rejects.toMatchObject({ code: 'data.format-invalid', details: { file: 'p/c.parquet', problem: 'they are not those of p/a.parquet: without n INTEGER, with n VARCHAR, with more INTEGER' } });
    await write({ 'c/a.csv': 'id,n\n1,2\n', 'c/b.csv': 'n,id\n1,2\n' });
    await expect(profile('c/')).rejects.toMatchObject({ code: 'data.format-invalid', details: { file: 'c/b.csv', problem: 'they are not those of c/a.csv: in another order' } });
  });
  it.each<[string, Record<string, string | Buffer>, string, object]>([
    ['another kind', { 'in/a.csv': 'id\n1\n', 'in/b.ndjson': '{"id":1}\n' }, 'in/', { code: 'request.unsupported' }], ['an unknown kind', { 'in/a.csv': 'id\n1\n', 'in/readme.md': 'x' }, 'in/', { code: 'request.unsupported', details: { found: 'the file in/readme.md beside in/a.csv' } }],
    ['other folders', { 'in/y=1/a.csv': 'id\n1\n', 'in/m=1/b.csv': 'id\n2\n' }, 'in/', { code: 'data.format-invalid', details: { file: 'in/y=1/a.csv' } }], ['a file outside of them', { 'in/a.csv': 'id\n1\n', 'in/y=1/b.csv': 'id\n2\n' }, 'in/', { code: 'data.format-invalid', details: { file: 'in/y=1/b.csv' } }],
    ['a twin of a column', { 'in/ID=1/a.csv': 'id\n1\n' }, 'in/', { code: 'data.format-invalid', details: { place: 'the folders ID=…' } }], ['a lie', { 'in/a.csv': 'id\n1\n', 'in/b.csv': gzipSync('id\n') }, 'in/', { code: 'data.format-invalid', details: { file: 'in/b.csv', problem: 'it holds gzip' } }],
    ['UTF-16', { 'in/a.csv': 'id\n1\n', 'in/b.csv': Buffer.from('\ufeffid\n2\n', 'utf16le') }, 'in/', { code: 'data.format-invalid', details: { file: 'in/b.csv' } }], ['nothing', { 'in/.x.csv': 'id\n' }, 'in/', { code: 'source.not-found' }],
    ['a ragged line', { 'in/a.csv': 'id,n\n1,2\n', 'in/b.csv': 'id,n\n1,2\n1,2,3\n' }, 'in/', { code: 'data.format-invalid', details: { file: 'in/b.csv', place: 'line 3' } }],
    ['a line that is no object', { 'in/a.ndjson': '{"id":1}\n{"id":2}\n', 'in/b.ndjson': '{"id":3}\n[4]\n' }, 'in/', { code: 'data.format-invalid', details: { file: 'in/b.ndjson', place: 'row 2' } }],
    ['a line that is no JSON', { 'in/a.ndjson': '{"id":1}\n{"id":2}\n', 'in/b.ndjson': '{"id":3}\n{"id":\n' }, 'in/', { code: 'data.format-invalid', details: { file: 'in/b.ndjson', place: 'row 2' } }],
    ['no folder', {}, 'in/', { code: 'source.not-found' }],
  ])('is refused where it holds %s', async (_, files, dataset, error) => {
    await write(files);
    await expect(profile(dataset)).rejects.toMatchObject(error);
  });
  it('stays below its root and follows no link', async () => {
    await write({ 'in/a.csv': 'id\n1\n' });
    await symlink('/etc', join(folder.root, 'etc'));
    await symlink('/etc/passwd', join(folder.root, 'in/b.csv'));
    for (const dataset of ['etc/', 'in/', '../x/', 'in/../../', '/etc/', 'etc/**/*.csv', '../**/*.csv', 'i*/**/*.csv', '.hidden/', 'in/a.csv/']) await expect(profile(dataset)).rejects.toMatchObject({ code: expect.stringMatching(/file.forbidden|source.not-found/) as unknown });
    await expect(profile('in/')).rejects.toMatchObject({ code: 'file.forbidden', details: { file: 'in/b.csv' } });
    for (const dataset of ['in/', 'in/**/*.csv']) await expect((await folder.open()).profile(dataset, 'target')).rejects.toMatchObject({ code: expect.stringMatching(/request.unsupported|file.forbidden/) as unknown });
  });
});

describe('a folder that changed since it was profiled', () => {
  async function planned(files: Readonly<Record<string, string>>, dataset = 'in/') {
    await write(files);
    const open = await folder.open();
    const task = aLoad(await open.profile(dataset, 'source'), 'u.parquet');
    return { open, task, run: async (carrier: 'file' | 'text' = 'file') => stage(open, await open.sink.begin({ ...task, carrier }, aWriter()), { ...task, carrier }) };
  }
  it('is read with the files that it has now', async () => {
    const { run } = await planned({ 'in/y=1/a.csv': 'id\n1\n' });
    await write({ 'in/y=2/b.csv': 'id\n2\n3\n' });
    expect((await run()).rows).toBe(3);
  });
  it('has drifted when its folders have other names', async () => {
    const { open, task } = await planned({ 'in/y=1/a.csv': 'id\n1\n' });
    await mkdir(join(folder.root, 'in/y=1/m=2'), { recursive: true });
    await rename(join(folder.root, 'in/y=1/a.csv'), join(folder.root, 'in/y=1/m=2/a.csv'));
    await expect(open.source.begin(task, null)).rejects.toMatchObject({ code: 'source.schema-drifted', details: { diff: 'with m' } });
  });
  it('names file and row of a cell, and the file of a folder, that does not fit any more', async () => {
    const { run } = await planned({ 'in/y=1/a.csv': 'id,n\n1,5\n2,5\n', 'in/y=2/b.csv': 'id,n\n3,5\n' });
    await write({ 'in/y=2/b.csv': 'id,n\n3,5\n4,x\n' });
    for (const carrier of ['file', 'text'] as const) await expect(run(carrier)).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 2, column: 'n', value: 'x' }, next: expect.stringContaining('in/y=2/b.csv') as unknown });
    await write({ 'in/y=2/b.csv': 'id,n\n3,5\n', 'in/y=z/c.csv': 'id,n\n3,5\n' });
    await expect(run()).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: null, column: 'y', value: 'z' }, next: expect.stringContaining('in/y=z/c.csv') as unknown });
  });
});

describe('a folder as a target', () => {
  it('keeps rows that are set aside with their piece, and pieces of which nothing is left as one part', async () => {
    await write({ 'in.csv': 'id\n1\n' });
    const open = await folder.open();
    const judging = { pipeline: 'judged' as never, checks: [], bad: 'aside' as const, atMost: { of: 'share' as const, percent: 100 } };
    const task = aLoad(await open.profile('in.csv', 'source'), 'out/**/*.csv', { carrier: 'text', judging });
    const writer = aWriter();
    const sink = await open.sink.begin(task, writer);
    await sink.raise();
    await sink.prepare({ fresh: 'start-over' });
    for (const [ordinal, [good, bad]] of [['1\n2\n', 1], ['', 2], ['', 0]].entries() as unknown as [number, [string, number]][]) {
      const piece = await sink.begin({ ordinal, key: String(ordinal).repeat(64), from: null, to: null });
      if (piece === 'done') throw new Error('nothing was written yet');
      if (good) piece.to.write(Buffer.from(good));
      const aside = { rows: bad, async *batches() { yield Array.from({ length: bad }, (_, row) => ({ row: row + 1, reason: 'not_null:id', raw: '{"id":null}' })); } };
      await piece.commit({ rows: good.split('\n').length - 1 + bad, rejected: bad, bytes: 1, digest: null, aside });
    }
    expect((await sink.ledger()).map(({ rows, rejected }) => [rows, rejected])).toEqual([[2, 1], [0, 2], [0, 0]]);
    expect(await sink.aside?.()).toEqual([{ reason: 'not_null:id', rows: 3, row: 1 }]);
    expect(await sink.publish(aPublish(task), { rows: 2, digest: await sink.stagedDigest(aPublish(task), signal) })).toMatchObject({ published: 2 });
    expect(JSON.parse(await readFile(join(folder.root, 'out/_manifest.json'), 'utf8'))).toMatchObject({ rows: 2, parts: [{ rows: 2 }, { rows: 0 }] });
    expect((await open.sink.quarantine!('out/**/*.csv', { pipeline: 'judged' as never, runId: null, want: 'rows', after: 0, limit: 10, waiting: 'all' })).rows).toHaveLength(3);
  });
});
