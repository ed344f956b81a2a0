import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DuckChild } from '@agent-etl/engines';
import { compile, identifier, rowDigest } from '@agent-etl/sql-safety';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { listOf, literalText as text, sql } from './duck-sql.ts';
import { type AFolder, aFolder, aLoad, aWriter, stage } from './testing/a-folder.ts';
import { lied, thriftIntegers } from './testing/thrift-integers.ts';

/** Every number of a file lies where somebody asks for it, a few of them otherwise. */
const isWhole = process.env['ETL_TEST_FAULTS'] === 'all';
const MB = 2 ** 20;

/** F14: what is too large, too wide, or says that it is something else. */
describe('a file that is as bad as it comes', () => {
  let folder: AFolder;
  beforeEach(async () => { folder = await aFolder(); });
  afterEach(async () => {
    expect(await readdir(folder.tools.scratch)).toEqual([]);
    await folder.drop();
  });
  /** The code of a refusal, or the rows and their digest. */
  async function copied(name: string): Promise<string> {
    const open = await folder.open();
    try {
      const profile = await open.profile(name, 'source');
      const task = aLoad(profile, 'u.csv');
      const sink = await open.sink.begin(task, aWriter());
      try {
        const { rows, digest } = await stage(open, sink, task);
        return `profile ${profile.rows}, read ${rows}, ${digest}`;
      } finally {
        await sink.discard();
        await sink.close();
      }
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    } finally {
      await open.close();
    }
  }
  const csv = (megabytes: number, before: readonly string[] = [], after: readonly string[] = []): string => `id,v\n${[...before, `1,${'x'.repeat(megabytes * MB)}`, ...after].join('\n')}\n`;

  it('is refused for a value beyond the limit, wherever it stands: at the end, an engine would drop it and say nothing', async () => {
    for (const [name, content] of [
      ['over.csv', csv(17)], ['end.csv', csv(40, ['2,b', '3,c'])], ['alone.csv', csv(40)], ['first.csv', csv(40, [], ['2,b', '3,c'])], ['quoted.csv', `id,v\n2,b\n1,"${'x\n""y"",'.repeat(5 * MB)}"\n`],
      ['blank.csv', `${csv(40, ['2,b'])}\r\n\n`], ['end.csv.gz', gzipSync(`${csv(40, ['2,b'])}`.slice(0, -1), { level: 1 })],
    ] as const) {
      await folder.write(name, content);
      expect([name, await copied(name)]).toEqual([name, 'data.row-too-large']);
    }
    for (const name of ['v.ndjson', 'v.json']) {
      const object = `{"id":1,"v":"${'x'.repeat(40 * MB)}"}`;
      await folder.write(name, name === 'v.json' ? `[${object}]` : `${object}\n`);
      expect([name, await copied(name)]).toEqual([name, expect.stringMatching(/^(data\.row-too-large|query\.memory-exceeded)$/)]);
    }
    await folder.write('within.csv', csv(15, ['2,b']));
    expect(await copied('within.csv')).toMatch(/^profile 2, read 2, /);
  }, 120_000);

  it('is refused for more columns than are read, and read with several hundred', async () => {
    const wide = (columns: number): string => `${Array.from({ length: columns }, (_, nth) => `c${nth}`).join(',')}\n${'1,'.repeat(columns - 1)}1\n`;
    const keys = (count: number): string => `{${Array.from({ length: count }, (_, nth) => `"c${nth}":1`).join(',')}}\n`;
    for (const [name, content] of [['t.csv', wide(2_000)], ['m.csv', wide(1_000_000)], ['t.ndjson', keys(2_000)], ['m.ndjson', keys(1_000_000)]] as const) {
      await folder.write(name, content);
      const from = performance.now();
      expect([name, await copied(name), performance.now() - from < 30_000]).toEqual([name, expect.stringMatching(/^(profile\.unusable|data\.(format-invalid|row-too-large)|query\.memory-exceeded)$/), true]);
    }
    const most = isWhole ? 1_600 : 600;
    await folder.write('w.csv', wide(most));
    const from = performance.now();
    const open = await folder.open();
    expect((await open.profile('w.csv', 'source')).columns).toHaveLength(most);
    await open.close();
    if (isWhole) expect(performance.now() - from).toBeLessThan(15_000); // 20 s on two cores that have nothing else to do, where it is planned column by column
    await folder.write('w.csv', wide(isWhole ? 1_600 : 200));
    expect(await copied('w.csv')).toMatch(/^profile 1, read 1, /);
    const duck = await DuckChild.start({ about: 'wide', scratch: folder.tools.scratch }); // a chain of more than five hundred is nested too deeply
    const columns = Array.from({ length: 1_600 }, (_, nth) => ({ name: `c${nth}`, type: { kind: 'i64' as const } }));
    const row = columns.map(({ name }) => sql`1 AS ${identifier(name)}`);
    expect(await duck.query(compile(sql`SELECT ${rowDigest('duckdb', columns, 'k')} FROM (SELECT ${listOf(row)}) AS wide`))).toMatchObject([{ n: '1' }]);
    await duck.stop();
  }, 300_000);

  it('is refused as Parquet that lies about its sizes, or is read as what it is', async () => {
    const path = join(folder.root, 't.parquet');
    const duck = await DuckChild.start({ about: 't.parquet', scratch: folder.tools.scratch, files: [path] });
    await duck.copy(compile(sql`COPY (SELECT range AS id, 'text ' || (range % 7) AS v FROM range(5000)) TO ${text(path)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`));
    await duck.stop();
    const whole = await readFile(path);
    const good = await copied('t.parquet');
    expect(good).toMatch(/^profile 5000, read 5000, /);
    const footer = thriftIntegers(whole, whole.length - 8 - whole.readUInt32LE(whole.length - 8)).found;
    const page = thriftIntegers(whole, 4).found;
    // 3 rows of the file · 4.3 rows of a group · 4.1.3.4 an encoding, which tells of pages by their size · 2 and 3 of a page: its sizes
    const asked = isWhole ? [...footer.filter(({ path: of }) => /^[34]/.test(of)), ...page] : [...['3', '4.3', '4.1.3.4'].map((of) => footer.find((each) => each.path === of)!), ...page.filter(({ path: of }) => of === '2' || of === '3')];
    for (const each of asked) for (const lie of isWhole ? ['most', 'least', 'none'] as const : ['none', 'most'] as const) {
      await folder.write('l.parquet', lied(whole, each, lie));
      const told = await copied('l.parquet');
      expect([each.path, lie, told === good ? 'as it is' : told]).toEqual([each.path, lie, expect.stringMatching(/^(as it is|data\.format-invalid|query\.memory-exceeded|platform\.unavailable)$/)]);
    }
    for (const length of [0, 0x7f_ff_ff_ff, 0xff_ff_ff_ff, whole.length]) {
      const copy = Buffer.from(whole);
      copy.writeUInt32LE(length, whole.length - 8);
      await folder.write('l.parquet', copy);
      expect([length, await copied('l.parquet')]).toEqual([length, 'data.format-invalid']);
    }
    expect(await copied('t.parquet')).toBe(good);
  }, 600_000);
});
