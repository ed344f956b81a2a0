import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type AFolder, aFolder, aLoad, aPublish, aWriter, stage } from './testing/a-folder.ts';

const { signal } = new AbortController();
let folder: AFolder;
beforeEach(async () => { folder = await aFolder(); });
afterEach(async () => { expect(await readdir(folder.tools.scratch)).toEqual([]); await folder.drop(); });

const le = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');
const be = (text: string): Buffer => le(text).swap16();
const marked = (text: string): Buffer => Buffer.from(`\ufeff${text}`);

/** Copies a file to a CSV and answers its lines. */
async function copied(name: string, carrier: 'file' | 'text' = 'file'): Promise<string[]> {
  const open = await folder.open();
  const task = aLoad(await open.profile(name, 'source'), 'out.csv', { carrier });
  const sink = await open.sink.begin(task, aWriter());
  const { rows, digest } = await stage(open, sink, task);
  const staged = await sink.stagedDigest(aPublish(task), signal);
  expect(`${staged.a}:${staged.b}`).toBe(digest);
  await sink.publish(aPublish(task), { rows, digest: staged });
  return (await readFile(join(folder.root, 'out.csv'), 'utf8')).trim().split('\n').sort();
}
const CSV = 'id,name\n1,é\n2,日本 😀\n';
const LINES = '{"id":1,"name":"é"}\n{"id":2,"name":"日本 😀"}\n';
const ARRAY = `[${LINES.trim().replace('\n', ',')}]`;

describe('a text file', () => {
  it.each([
    ['le.csv', le(CSV), 'utf-16le'], ['be.csv', be(CSV), 'utf-16be'], ['le.tsv', le(CSV.replaceAll(',', '\t')), 'utf-16le'], ['le.csv.gz', gzipSync(le(CSV)), 'utf-16le'],
    ['be.csv.zst', Buffer.concat([zstdCompressSync(be(CSV).subarray(0, 21)), zstdCompressSync(be(CSV).subarray(21))]), 'utf-16be'], ['le.ndjson', le(LINES), 'utf-16le'], ['be.json.gz', gzipSync(be(ARRAY)), 'utf-16be'],
    ['mark.csv', marked(CSV), undefined], ['mark.ndjson', marked(LINES), undefined], ['mark.json', marked(ARRAY), undefined], ['mark.ndjson.gz', gzipSync(marked(LINES)), undefined],
  ])('is read as its mark says, and the plan says so too: %s', async (name, content, encoding) => {
    await folder.write(name, content);
    const { columns, options, rows } = await (await folder.open()).profile(name, 'source');
    expect([columns.map((column) => column.name), options['encoding'], rows]).toEqual([['id', 'name'], encoding, 2]);
    for (const carrier of ['file', 'text'] as const) expect(await copied(name, carrier)).toEqual(['1,é', '2,日本 😀', 'id,name']);
  });

  it('of UTF-16 is carried whole, characters that lie across two reads too', async () => {
    const rows = Array.from({ length: 60_000 }, (_, row) => `${row},${'x'.repeat(row % 7)}😀日`);
    await folder.write('t.csv', le(`id,name\n${rows.join('\n')}\n`));
    expect(await copied('t.csv')).toEqual([...rows, 'id,name'].sort());
  });

  it.each<[string, Buffer, object]>([
    ['half.csv', Buffer.concat([le('id,name\n1,a\n2,'), Buffer.from([0x00, 0xd8, 0x0a, 0x00])]), { place: 'its first lines', problem: 'it is not UTF-16, though it begins with its mark' }],
    ['late.csv', Buffer.concat([le(`id,name\n${'1,aaaaaaaaaaaaaaaa\n'.repeat(20_000)}`), Buffer.from([0x00, 0xd8, 0x0a, 0x00])]), { format: 'utf-16le', problem: 'half a character' }],
    ['odd.csv', Buffer.concat([le(`id,name\n${'1,aaaaaaaaaaaaaaaa\n'.repeat(20_000)}`), Buffer.from([0x41])]), { place: 'a line after line 20001', problem: 'it ends in the middle of a character' }],
    ['utf32.csv', Buffer.from([0xff, 0xfe, 0, 0, 97, 0, 0, 0]), { problem: 'it holds UTF-32 text' }], ['nul.csv', le('id,name\n1,a\0\n'), { place: 'line 2', problem: 'it holds NUL' }],
    ['array.ndjson', le(ARRAY), { place: 'its first letters' }], ['latin.ndjson', Buffer.from('{"name":"\xe9"}\n', 'latin1'), { problem: 'it is not UTF-8' }],
  ])('is refused with the place: %s', async (name, content, details) => {
    await folder.write(name, content);
    await expect((await folder.open()).profile(name, 'source')).rejects.toMatchObject({ code: 'data.format-invalid', details: { file: name, ...details } });
  });
  it('without a mark that is not UTF-8 is refused with the way to make it so', async () => {
    await folder.write('latin.ndjson', Buffer.from('{"name":"\xe9"}\n', 'latin1'));
    await expect((await folder.open()).profile('latin.ndjson', 'source')).rejects.toMatchObject({ next: 'write it as UTF-8, such as: iconv -f WINDOWS-1252 -t UTF-8 latin.ndjson' });
  });
  it('that is written in another way than when it was profiled has drifted', async () => {
    await folder.write('t.csv', le(CSV));
    const open = await folder.open();
    const task = aLoad(await open.profile('t.csv', 'source'), 'u.parquet');
    await folder.write('t.csv', CSV);
    await expect(open.source.begin(task, null)).rejects.toMatchObject({ code: 'source.schema-drifted', details: { diff: 'utf-8 instead of utf-16le' } });
  });
  it('of UTF-16 still has the row of a cell that does not fit', async () => {
    await folder.write('t.csv', le('id,n\n1,5\n'));
    const open = await folder.open();
    const task = aLoad(await open.profile('t.csv', 'source'), 'u.parquet');
    await folder.write('t.csv', le('id,n\n1,5\n2,x\n'));
    for (const carrier of ['file', 'text'] as const) await expect(stage(open, await open.sink.begin({ ...task, carrier }, aWriter()), { ...task, carrier })).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 2, column: 'n', value: 'x' } });
  });
});
