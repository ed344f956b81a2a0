import { describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AsideRow, ByteTarget } from '../port.ts';
import { JudgedRows } from './judged-rows.ts';

const cell = (value: string | null): string => (value === null ? '' : `"${value.replaceAll('"', '""')}"`);
const good = (...cells: (string | null)[]): string => `,${cells.map(cell).join(',')}\n`;
const bad = (said: Partial<AsideRow>, ...cells: (string | null)[]): string => `${cell(JSON.stringify(said))}${good(...cells)}`;
const cellsOf = (...cells: (string | null)[]): string => good(...cells).slice(1);

class Taken implements ByteTarget {
  readonly parts: Buffer[] = [];
  write(bytes: Uint8Array): boolean { this.parts.push(Buffer.from(bytes)); return true; }
  async drained(): Promise<void> { /* never full */ }
  get text(): string { return Buffer.concat(this.parts).toString(); }
}
async function asideOf(rows: JudgedRows): Promise<AsideRow[]> {
  const all: AsideRow[] = [];
  for await (const batch of rows.aside.batches()) all.push(...batch);
  return all;
}
const LINES = [good('1', 'é, "quoted"\nline'), bad({ reason: 'in:b', row: 2, raw: '{"b":"a \\"b\\"\\n"}' }, '2', 'bad\n"\n'), good('3', null), good(null, ''), bad({ reason: 'not_null:a', row: 5, raw: '{}' }, null, 'x')];
const KEPT = [cellsOf('1', 'é, "quoted"\nline'), cellsOf('3', null), cellsOf(null, '')].join('');

describe('judged rows', () => {
  it.each([1, 2, 3, 7, 1_000])('part good from bad however their bytes come: in pieces of %i', async (size) => {
    const to = new Taken();
    const rows = new JudgedRows(to, 'aside', '/nowhere');
    const bytes = Buffer.from(LINES.join(''));
    for (let at = 0; at < bytes.length; at += size) expect(rows.write(Buffer.from(bytes.subarray(at, at + size)))).toBe(true);
    rows.end({ rows: 5, bytes: bytes.length, digest: null });
    expect(to.text).toBe(KEPT);
    expect(await asideOf(rows)).toEqual([{ reason: 'in:b', row: 2, raw: '{"b":"a \\"b\\"\\n"}' }, { reason: 'not_null:a', row: 5, raw: '{}' }]);
  });
  it('are told by a list and the row behind its line, too, whatever stands in the row', async () => {
    const rows = new JudgedRows(new Taken(), 'aside', '/nowhere');
    for (const [row, raw] of [[1, '{"b":"a \\"b\\"\\n"}'], [2, '{ "b":\n "c" }\n'], [null, ''], [4, '["x",9]\ny']] as const) rows.write(Buffer.from(`${cell(`${JSON.stringify(['parse', row])}\n${raw}`)}${good('x')}`));
    rows.end({ rows: 4, bytes: 0, digest: null });
    expect(await asideOf(rows)).toEqual([{ reason: 'parse', row: 1, raw: '{"b":"a \\"b\\"\\n"}' }, { reason: 'parse', row: 2, raw: '{ "b":\n "c" }\n' }, { reason: 'parse', row: null, raw: '' }, { reason: 'parse', row: 4, raw: '["x",9]\ny' }]);
  });
  it('are handed on in batches of a few megabytes, however long they are', async () => {
    const rows = new JudgedRows(new Taken(), 'aside', join(await mkdtemp(join(tmpdir(), 'aside-')), 'rows'));
    for (let row = 1; row <= 5; row += 1) rows.write(Buffer.from(bad({ reason: 'parse', row, raw: 'x'.repeat(3 * 2 ** 20) }, 'y')));
    const sizes: number[] = [];
    for await (const batch of rows.aside.batches()) sizes.push(batch.length);
    rows.aside.drop();
    expect(sizes).toEqual([2, 2, 1]);
  });
  it('count what passed against what was read', () => {
    const rows = new JudgedRows(new Taken(), 'aside', '/nowhere');
    rows.write(Buffer.from(LINES.join('')));
    expect(() => { rows.end({ rows: 6, bytes: 0, digest: null }); }).toThrow('6 rows were read, 5 passed');
  });
  it('take nothing more after a bad row that ends the load, and say why to whoever waits', async () => {
    const rows = new JudgedRows(new Taken(), 'stop', '/nowhere');
    expect(rows.write(Buffer.from(LINES.join('')))).toBe(false);
    expect(rows.write(Buffer.from(good('9', '9')))).toBe(false);
    await expect(rows.drained()).rejects.toMatchObject({ code: 'data.check-failed', cell: { row: 2, column: 'b', value: 'a "b"\n' } });
    expect(() => { rows.end({ rows: 5, bytes: 0, digest: null }); }).toThrow('Row 2 breaks the check in:b');
  });
  it('refuse a stream that ends inside a row', () => {
    const rows = new JudgedRows(new Taken(), 'aside', '/nowhere');
    rows.write(Buffer.from(',"1","half'));
    expect(() => { rows.end({ rows: 1, bytes: 0, digest: null }); }).toThrow('ended inside a row');
  });
  it('count rows over those that could not be read', async () => {
    const rows = new JudgedRows(new Taken(), 'aside', '/nowhere');
    rows.write(Buffer.from(Array.from({ length: 4 }, (_, at) => bad({ reason: 'in:b', row: at + 1, raw: '{}' }, 'x')).join('')));
    rows.end({ rows: 7, bytes: 0, digest: null, unread: [{ row: 5, reason: 'parse', raw: 'c' }, { row: 1, reason: 'parse', raw: 'a' }, { row: 3, reason: 'parse', raw: 'b' }] });
    expect((await asideOf(rows)).map(({ row, reason }) => [row, reason])).toEqual([[1, 'parse'], [3, 'parse'], [5, 'parse'], [2, 'in:b'], [4, 'in:b'], [6, 'in:b'], [7, 'in:b']]);
  });
  it('keep more of them than memory should hold in a private file, and leave none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'etl-aside-'));
    const rows = new JudgedRows(new Taken(), 'aside', join(folder, 'spool'));
    const raw = 'x'.repeat(5_000);
    for (let at = 1; at <= 1_200; at += 1) rows.write(Buffer.from(bad({ reason: 'in:b', row: at, raw }, 'y')));
    rows.end({ rows: 1_200, bytes: 0, digest: null });
    expect(await readdir(folder)).toEqual(['spool']);
    expect((await asideOf(rows)).map(({ row }) => row)).toEqual(Array.from({ length: 1_200 }, (_, at) => at + 1));
    rows.aside.drop();
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });
});
