import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmod, mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fileConnector } from './file-connector.ts';
import { type AFolder, aFolder } from './testing/a-folder.ts';

let folder: AFolder;
beforeEach(async () => { folder = await aFolder(); });
afterEach(async () => { expect(await readdir(folder.tools.scratch)).toEqual([]); await folder.drop(); });
const profile = async (dataset: string, as: 'source' | 'target' = 'source') => (await folder.open()).profile(dataset, as);
const kinds = (columns: readonly { name: string; type: object }[]) => Object.fromEntries(columns.map(({ name, type }) => [name, Object.values(type).join(' ')]));

describe('a file connection', () => {
  it('lies below the folders this worker may use, also by its real path', async () => {
    await symlink('/etc', join(folder.root, 'out'));
    for (const root of ['/etc', join(folder.root, 'out'), join(folder.root, '..'), `${folder.root}\0x`, `${folder.root}-twin`, join(folder.root, 'a*')]) {
      await expect(fileConnector.open({ ...folder.connection, root }, folder.tools)).rejects.toMatchObject({ code: 'connection.forbidden' });
    }
    await expect(fileConnector.open(folder.connection, { ...folder.tools, fileRoots: [] })).rejects.toMatchObject({ code: 'connection.forbidden' });
    await expect(fileConnector.open({ ...folder.connection, root: join(folder.root, 'missing') }, folder.tools)).rejects.toMatchObject({ code: 'source.not-found' });
  });

  it('refuses datasets that leave it', async () => {
    await symlink('/etc/passwd', join(folder.root, 'link.csv'));
    await symlink('/tmp', join(folder.root, 'tmp'));
    for (const dataset of ['../x.csv', 'a/../../x.csv', '/etc/x.csv', 'link.csv', 'x\0.csv', '\ud800.csv', 'a\\b.csv', '*.csv', '.hidden.csv']) {
      await expect(profile(dataset)).rejects.toMatchObject({ code: 'file.forbidden' });
    }
    for (const dataset of ['link.csv', 'tmp/new.csv', 'tmp/deep/new.csv']) await expect(profile(dataset, 'target')).rejects.toMatchObject({ code: 'file.forbidden' });
  });

  it('lists the files it can read', async () => {
    await mkdir(join(folder.root, 'in'));
    for (const name of ['b.parquet', 'in/a.csv', 'in/c.csv.gz', 'readme.md', '.x.csv']) await folder.write(name, 'x');
    const open = await folder.open();
    expect((await open.inspect('datasets')).datasets.map(({ name }) => name)).toEqual(['b.parquet', 'in/a.csv', 'in/c.csv.gz']);
    expect(await open.inspect('test')).toMatchObject({ system: 'folder with 3 files', datasets: [] });
  });

  it('names the nearest files for one that is missing', async () => {
    await folder.write('orders.csv', 'a\n1\n');
    await expect(profile('order.csv')).rejects.toMatchObject({ code: 'source.not-found', next: 'did you mean orders.csv?' });
    await expect(profile('something-else.parquet')).rejects.toMatchObject({ code: 'source.not-found', next: 'agent-etl datasets files' });
  });

  it('refuses a kind of file it does not know by name; a folder is a target of parts', async () => {
    await expect(profile('x.xls')).rejects.toMatchObject({ code: 'request.unsupported', next: 'change that, then ask again' });
    expect(await profile('folder/', 'target')).toMatchObject({ exists: false, system: 'folder of parquet' });
  });
});

describe('a profile of a CSV', () => {
  it('keeps every cell as it is written', async () => {
    await folder.write('t.csv', 'id,zip,card,amount,precise,day,at,zoned,odd_day,yes,flag,free,none\n'
      + '1,00501,1234567890123456789012,12.50,0.1234567890123456789,2001-01-31,2001-01-31 10:00:00.5,2001-01-31T10:00:00+02:00,1/2/2001,yes,true,"a,""b""\nc",\n'
      + '-2,10001,9234567890123456789012,3,10.5,1999-12-01,2001-01-31T10:00,2001-01-31 10:00:00Z,3/4/2001,no,f,é,\n');
    const { columns, options, rows, rowsExact } = await profile('t.csv');
    expect(kinds(columns)).toEqual({
      id: 'i64', zip: 'text', card: 'dec 38 0', amount: 'f64', precise: 'dec 21 19', day: 'date', at: 'ts', zoned: 'tstz', odd_day: 'text', yes: 'text', flag: 'bool', free: 'text', none: 'text',
    });
    expect(options).toMatchObject({ format: 'csv', delim: ',', quote: '"', header: 'true', compression: 'none' });
    expect({ rows, rowsExact }).toEqual({ rows: 2, rowsExact: true });
  });

  it('lets later rows widen what the first ones suggest', async () => {
    const lines = Array.from({ length: 3_000 }, (_, row) => `${row},2001-01-31,${row},,${row}`);
    await folder.write('t.csv', `a,b,c,d,e\n${lines.join('\n')}\n0.5,2001-01-31 10:00,x,1,007\n`);
    const { columns, rows } = await profile('t.csv');
    expect({ rows, kinds: kinds(columns) }).toEqual({ rows: 3_001, kinds: { a: 'f64', b: 'ts', c: 'text', d: 'text', e: 'text' } });
  });

  it('gives the columns of a wide file the types that they have in a narrow one, the late ones too', async () => {
    const cells = (row: number): string[] => [`${row}`, `${row}.5`, row < 1_500 ? '2001-01-31' : '2001-01-31 10:00', row < 300 ? '' : `${row}`, row < 300 ? '' : '2001-01-31', row < 2_500 ? 't' : 'yes', `00${row}`, row === 2_999 ? '1.25' : `${row}`, '', row % 2 ? 'true' : '', '10:00', '2001-01-31 10:00:00Z', '9234567890123456789012', '0.1234567890123456789'];
    const rows = Array.from({ length: 3_000 }, (_, row) => cells(row));
    const times = (most: number): number[] => Array.from({ length: most }, (_, nth) => nth);
    const written = (most: number): string => [times(most).flatMap((time) => rows[0]!.map((_, at) => `c${at}_${time}`)), ...rows.map((row) => times(most).flatMap(() => row))].map((line) => `${line.join(',')}\n`).join('');
    await folder.write('narrow.csv', written(1));
    await folder.write('wide.csv', written(20));
    const [narrow, wide] = [await profile('narrow.csv'), await profile('wide.csv')];
    const kindsOf = ({ columns }: typeof narrow): string[] => Object.values(kinds(columns));
    expect(kindsOf(narrow)).toEqual(['i64', 'f64', 'ts', 'i64', 'date', 'text', 'text', 'f64', 'text', 'bool', 'time', 'tstz', 'dec 38 0', 'dec 20 19']);
    expect({ rows: wide.rows, kinds: kindsOf(wide) }).toEqual({ rows: 3_000, kinds: times(20).flatMap(() => kindsOf(narrow)) });
  }, 30_000);

  it.each([['semi.csv', 'a;b\n1;x,y\n', ';'], ['tab.tsv', 'a\tb\n1\tx,y\n', '\t'], ['pipe.csv', 'a|b\n1|2\n', '|'], ['crlf.csv', 'a,b\r\n1,2\r\n', ','], ['bom.csv', '\ufeffa,b\n1,2\n', ',']])(
    'finds the delimiter of %s', async (name, content, delim) => {
      await folder.write(name, content);
      const { columns, options } = await profile(name);
      expect(columns.map((column) => column.name)).toEqual(['a', 'b']);
      expect(options['delim']).toBe(delim);
    });

  it('sees that there is no header, and makes names unique', async () => {
    await folder.write('raw.csv', '1,2\n3,4\n');
    await folder.write('twins.csv', 'a,A,b\n1,2,3\n');
    const raw = await profile('raw.csv');
    expect({ names: raw.columns.map(({ name }) => name), rows: raw.rows, header: raw.options['header'] }).toEqual({ names: ['column0', 'column1'], rows: 2, header: 'false' });
    expect((await profile('twins.csv')).rows).toBe(2);
  });

  it.each([
    ['ragged', Buffer.from('a,b\n1,2\n3,4,5\n'), 'line 3'], ['short', Buffer.from('a,b\n1,2\n3\n4,5\n'), 'line 3'], ['latin', Buffer.from('a,b\n1,2\n3,\xe9\n', 'latin1'), 'line 3'],
    ['nul', Buffer.from('a,b\n1,x\0\n'), 'line 2'], ['quote', Buffer.from('a,b\n1,2\n3,"x\n'), 'line 3'],
  ])('says where a %s file is wrong', async (name, content, place) => {
    await folder.write(`${name}.csv`, content);
    await expect(profile(`${name}.csv`)).rejects.toMatchObject({ code: 'data.format-invalid', details: { file: `${name}.csv`, place } });
  });

  it.each([['x.csv', Buffer.from('PAR1....PAR1')], ['x.csv', gzipSync('a\n1\n')], ['x.csv.gz', Buffer.from('a,b\n1,2\n')], ['x.parquet', Buffer.from('a,b\n1,2\n')],
    ['x.csv', Buffer.from([0xff, 0xfe, 0, 0, 97, 0, 0, 0])], ['x.parquet', Buffer.from('PAR1 cut off')], ['x.parquet', Buffer.from('PAR1 nonsense PAR1')]])(
    'refuses a file that is not what %s says', async (name, content) => {
      await folder.write(name, content);
      await expect(profile(name)).rejects.toMatchObject({ code: 'data.format-invalid', details: { file: name } });
    });

  it.each([['', 'empty'], ['\n\n', 'only blank lines'], ['\ufeff', 'empty']])('says that %j has no first line', async (content, words) => {
    await folder.write('empty.csv', content);
    await expect(profile('empty.csv')).rejects.toMatchObject({ code: 'profile.unusable', message: expect.stringContaining(words) as unknown, next: 'write a line with the names of the columns' });
  });
  it('takes a file that is no more than its header for an empty table', async () => {
    await folder.write('head.csv', 'a,b\n');
    expect(await profile('head.csv')).toMatchObject({ rows: 0, rowsExact: true, columns: [{ name: 'a', type: { kind: 'text' } }, { name: 'b' }] });
  });
  it('says how a file in another encoding is made readable', async () => {
    await folder.write('latin.csv', Buffer.from('a\n\xe9\n', 'latin1'));
    await expect(profile('latin.csv')).rejects.toMatchObject({ code: 'data.format-invalid', next: 'write it as UTF-8, such as: iconv -f WINDOWS-1252 -t UTF-8 latin.csv' });
  });

  it('says that a file may not be read', async () => {
    await folder.write('x.csv', 'a\n1\n');
    for (const open of [join(folder.root, '..'), folder.root, folder.tools.scratch]) await chmod(open, 0o777);
    await chmod(join(folder.root, 'x.csv'), 0);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534); // root may read everything, nobody may not
    try { await expect(profile('x.csv')).rejects.toMatchObject({ code: 'connection.permission-denied' }); } finally { if (isRoot) process.seteuid?.(0); }
  });
});
