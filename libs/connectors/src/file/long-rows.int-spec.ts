import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Judging } from '@agent-etl/contracts';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { JudgedRows } from '../judged/judged-rows.ts';
import { type AFolder, aFolder, aLoad } from './testing/a-folder.ts';

/** Packed, and without checks, where somebody asks for all. */
const isWhole = process.env['ETL_TEST_FAULTS'] === 'all';
const MB = 2 ** 20;
const aside: Judging = { pipeline: 'long_rows', checks: [], bad: 'aside', atMost: { of: 'share', percent: 100 } };
const ROWS = 330_000;
const row = (nth: number): string => `${nth},abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\n`;
const csv = `id,v\n${Array.from({ length: ROWS }, (_, nth) => row(nth)).join('')}`; // over the limit of a row, and no multiple of a buffer
const ndjson = Array.from({ length: ROWS }, (_, nth) => `{"id":${nth},"v":"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"}\n`).join('');
const object = (megabytes: number): string => `{"id":1,"v":"${'x'.repeat(megabytes * MB)}"}\n`;

async function saidOf({ aside: rows }: JudgedRows): Promise<string> {
  let said = ':';
  for await (const batch of rows.batches()) for (const { row, reason, raw } of batch) said += ` ${row} ${reason} ${raw.length}`;
  rows.drop();
  return said;
}

describe('a row that is longer than an engine reads', () => {
  let folder: AFolder;
  beforeAll(async () => { folder = await aFolder(); });
  afterAll(() => folder.drop());

  /** Rows read and set aside, or the refusal. */
  async function read(name: string, written: string | Uint8Array | { readonly looked: string; readonly later: string }, judging?: Judging): Promise<string> {
    const [content, later] = typeof written === 'object' && 'later' in written ? [written.looked, written.later] : [written];
    await folder.write(name, content);
    const connection = await folder.open();
    try {
      const profile = await connection.profile(name, 'source', judging ? 'aside' : undefined);
      if (later !== undefined) await folder.write(name, later);
      const session = await connection.source.begin(aLoad(profile, 'out.csv', { carrier: 'text', ...(judging ? { judging } : {}) }), null);
      try {
        const [range] = await session.cut();
        const to = { write: () => true, drained: async () => undefined };
        const judged = later === undefined ? null : new JudgedRows(to, 'aside', join(folder.root, 'aside.ndjson'));
        const count = await session.read(range!, { to: judged ?? to, onRead: () => undefined, signal: new AbortController().signal });
        judged?.end(count);
        return `read ${count.rows}, ${judged?.aside.rows ?? count.unread?.length ?? 0} aside${judged ? await saidOf(judged) : ''}`;
      } finally {
        await session.close();
      }
    } catch (error) {
      return String((error as Error).message);
    } finally {
      await connection.close();
      await rm(join(folder.root, name));
    }
  }
  const refused = (name: string, limit: number): string => `Row ${ROWS + 1} of ${name} is longer than a line may be; the limit is ${limit} MB.`;

  it.each([
    ['middle.csv', () => `${csv}1,${'x'.repeat(40 * MB)}\n2,b\n`, 16], ['buffers.csv', () => `${csv}1,${'x'.repeat(70 * MB)}\n2,b\n`, 16], ['end.csv', () => `${csv}1,${'x'.repeat(40 * MB)}\n`, 16], ['quoted.csv', () => `${csv}1,"${'x'.repeat(70 * MB)}"\n${csv}`, 16],
    ['middle.csv.gz', () => gzipSync(`${csv}1,${'x'.repeat(40 * MB)}\n2,b\n`, { level: 1 }), 16], ['lines.csv.gz', () => gzipSync(`${csv}1,"${`${'x'.repeat(1023)}\n`.repeat(40 * 1024)}"\n`, { level: 1 }), 16],
    ['middle.ndjson', () => `${ndjson}${object(40)}${object(0)}`, 32], ['buffers.ndjson', () => `${ndjson}${object(70)}${object(0)}`, 32], ['end.ndjson', () => `${ndjson}${object(70)}`, 32],
    ['middle.ndjson.gz', () => gzipSync(`${ndjson}${object(40)}${object(0)}`, { level: 1 }), 32], ['end.ndjson.gz', () => gzipSync(`${ndjson}${object(70)}`.trimEnd(), { level: 1 }), 32],
  ])('ends a load that sets bad rows aside, and is not dropped: %s', async (name, content, limit) => { expect(await read(name, content(), aside)).toBe(refused(name, limit)); }, 60_000);

  it('ends any load where it is the last one, of lines or not, whatever its quotes look like', async () => {
    const lines = `${'x'.repeat(1023)}\n`.repeat(40 * 1024);
    for (const [name, content] of [['even.csv', `${csv}1,"${lines}\n5"" pipe"\n`], ['odd.csv', `${csv.replaceAll('z\n', 'z,\n').replace('id,v', 'id,v,w')}1,"${lines}",5" pipe\n`]] as const) {
      expect(await read(name, content)).toBe(refused(name, 16));
    }
  }, 60_000);

  describe('or than its memory takes', () => {
    const short = ndjson.slice(0, ndjson.indexOf('\n', 2_000) + 1);
    const rows = short.split('\n').length - 1;
    const beyond = (name: string): string => `Row ${rows + 1} of ${name} is over 4 MB long, and its engine has no memory for all that is made of it; the limit is that memory.`;
    it.each([
      ['plain', () => `${short}${object(31).repeat(2)}${short}`], ['nested', () => `${short}{"id":1,"v":[${'1,'.repeat(10 * MB)}1]}\n${short}`],
    ])('is named when the file is looked at, and it is no lack of memory: %s', async (_, content) => {
      for (const judging of isWhole ? [aside, undefined] : [aside]) expect(await read('long.ndjson', content(), judging)).toBe(beyond('long.ndjson'));
      if (isWhole) expect(await read('long.ndjson.gz', gzipSync(content(), { level: 1 }), aside)).toBe(beyond('long.ndjson.gz'));
    }, 120_000);
    it('is set aside whole where it came after the look, or is named: one of 20 MB, and two', async () => {
      const one = (v: string): string => `{"id":"none","v":"${v}"}\n`;
      expect(await read('later.ndjson', { looked: short, later: `${short}${one('x'.repeat(20 * MB))}${short}` }, aside)).toBe(`read ${2 * rows + 1}, 1 aside: ${rows + 1} type:id ${one('x'.repeat(20 * MB)).length - 1}`);
      expect(await read('later.ndjson', { looked: short, later: `${short}${one('x'.repeat(31 * MB)).repeat(2)}${short}` }, aside)).toBe(beyond('later.ndjson'));
    }, 120_000);
  });

  it('is not made of all the rows behind a quote that nobody closed: they would be one bad row of many', async () => {
    const unclosed = (row: number, name: string): string => `${name}: not valid csv at row ${row}: a quote is opened there and not closed: every row behind it would be a part of this one.`;
    const small = 'id,v\n1,a\n2,"b\n3,c\n4,d\n';
    expect(await read('small.csv', small, aside)).toBe(unclosed(2, 'small.csv'));
    expect(await read('small.csv.gz', gzipSync(small), aside)).toBe(unclosed(2, 'small.csv.gz'));
    const half = csv.slice(0, csv.indexOf('\n', csv.length / 2) + 1);
    expect(await read('large.csv', `${half}1,"abc\n${csv.slice(half.length)}`, aside)).toBe(unclosed(half.split('\n').length - 1, 'large.csv'));
    expect(await read('last.csv', 'id,v\n1,a\n2,"b\n', aside)).toBe('read 2, 1 aside');
    expect(await read('closed.csv', 'id,v\n1,a\n2,"b\nc"\n3,d\n', aside)).toBe('read 3, 0 aside');
  }, 60_000);

  it('is none that has a letter " in it, also as the last one', async () => {
    for (const [name, content] of [
      ['inch.csv', `${csv}9,5" pipe\n`], ['inch.tsv', `${csv.replaceAll(',', '\t')}9\t5" pipe\n`], ['bare.csv', `${csv}9,5"`], ['inch.csv.gz', gzipSync(`${csv}9,5" pipe\n`, { level: 1 })], ['cr.csv', `${csv}9,8\n`.replaceAll('\n', '\r')],
    ] as const) {
      expect([name, await read(name, content)]).toEqual([name, `read ${ROWS + 1}, 0 aside`]);
      if (name.startsWith('inch.csv')) expect([name, await read(name, content, aside)]).toEqual([name, `read ${ROWS + 1}, 0 aside`]);
    }
  }, 120_000);

  it('is none up to the limit, also over the end of a buffer', async () => {
    const cell = 'x'.repeat(16 * MB - 100);
    expect(await read('within.csv', `${csv}1,"${cell}"\n${csv.slice(5)}2,${cell}\n`, aside)).toBe(`read ${2 * ROWS + 2}, 0 aside`);
  }, 60_000);
});
