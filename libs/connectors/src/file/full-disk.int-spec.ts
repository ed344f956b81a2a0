import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LoadTask } from '@agent-etl/contracts';
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AsideSpool } from '../judged/aside-spool.ts';
import { sqliteConnector } from '../sqlite/sqlite-connector.ts';
import { type AFolder, aFolder, aLoad, aPublish, aWriter, stage } from './testing/a-folder.ts';
import { BALLAST, type SmallDisk, aSmallDisk, canMount } from './testing/small-disk.ts';

const KB = 1024;
/** Everything where somebody asks for it, a share otherwise. */
const isWhole = process.env['ETL_TEST_FAULTS'] === 'all';
/** What is free when a write begins: the first one fails, or one in the middle, or one of the last. */
const LEVELS = (isWhole ? Array.from({ length: 40 }, (_, nth) => nth * 16) : [0, 200]).map((kb) => kb * KB);
/** Rows that no compression makes small: about 700 kB as any file. */
const noise = (rows: number): string => `id,note,part\n${Array.from({ length: rows }, (_, row) => `${row},${createHash('sha512').update(String(row)).digest('base64')},${row % 3}\n`).join('')}`;
const ROWS = 8_000;

/** F10: real ENOSPC, at a write that the free bytes choose, in every place that a connector writes to. */
(canMount('full disk of a connector') ? describe : describe.skip)('a disk that is full', () => {
  let folder: AFolder;
  let disk: SmallDisk;
  beforeEach(async () => {
    folder = await aFolder();
    disk = aSmallDisk(join(folder.root, 'small'));
  });
  afterEach(async () => {
    disk.drop();
    await folder.drop();
  });
  /** Everything that is there, with what it holds. */
  const seen = async (): Promise<Record<string, string>> => {
    const entries = (await readdir(disk.at, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && entry.name !== BALLAST);
    return Object.fromEntries(await Promise.all(entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(disk.at.length + 1), createHash('sha256').update(await readFile(path)).digest('hex')] as const;
    })));
  };
  async function copy(source: string, to: string, more: Partial<LoadTask>): Promise<void> {
    const open = await folder.open();
    const task = aLoad(await open.profile(source, 'source'), to, more);
    const sink = await open.sink.begin(task, aWriter());
    try {
      const { rows } = await stage(open, sink, task);
      await sink.publish(aPublish(task, more.partitionBy ? { partitionBy: more.partitionBy } : {}), { rows, digest: null });
    } catch (error) {
      await sink.discard();
      throw error;
    } finally {
      await sink.close();
      await open.close();
    }
  }

  const share: [string, Partial<LoadTask>][] = [['small/u.csv', { carrier: 'text' }], ['small/by/**/*.parquet', { partitionBy: ['part'] }]];
  const rest: [string, Partial<LoadTask>][] = [['small/u.parquet', {}], ['small/u.csv.gz', {}], ['small/u.ndjson', { carrier: 'text' }], ['small/u.json.zst', {}], ['small/parts/**/*.parquet', {}]];
  it.each(isWhole ? [...share, ...rest] : share)('of %s: what was there stays whole, nothing half is left, and the next run is green', async (to, more) => {
    await folder.write('old.csv', noise(20));
    await folder.write('t.csv', noise(ROWS));
    await copy('old.csv', to, more);
    const before = await seen();
    let failed = 0;
    for (const level of LEVELS) {
      disk.leave(level);
      const code = await copy('t.csv', to, more).then(() => 'green', (error: { code?: string }) => error.code);
      if (code === 'green') break;
      failed += 1;
      expect([level, code, await seen()]).toEqual([level, 'platform.disk-full', before]);
    }
    expect(failed).toBeGreaterThan(1);
    disk.free();
    await copy('t.csv', to, more);
    const after = await seen();
    expect(after).not.toEqual(before);
    expect(Object.keys(after).filter((name) => /(^|\/)\./.test(name))).toEqual([]);
    expect((await readdir(folder.tools.scratch))).toEqual([]);
  }, 240_000);

  it('of a database of SQLite: its rows stay, it is whole, and the next run is green', async () => {
    await folder.write('t.csv', noise(ROWS));
    const files = await folder.open();
    const lite = await sqliteConnector.open({ name: 'lite', connector: 'sqlite', root: disk.at, file: 'shop.db' }, { ...folder.tools, fileRoots: [disk.at] });
    const source = await files.profile('t.csv', 'source');
    const load = aLoad(source, 't', { target: { connection: 'lite', dataset: 't' } as LoadTask['target'], engine: 'stream', carrier: 'text', columns: aLoad(source, 't').columns.map((column) => ({ ...column, targetNative: column.type.kind === 'text' ? 'TEXT' : 'INTEGER' })) });
    const run = async (): Promise<number> => {
      const sink = await lite.sink.begin(load, aWriter());
      try {
        const { rows } = await stage(files, sink, load);
        return (await sink.publish({ ...aPublish(load), how: 'swap' }, { rows, digest: null })).published;
      } catch (error) {
        await sink.discard();
        throw error;
      } finally {
        await sink.close();
      }
    };
    let failed = 0;
    for (const level of LEVELS) {
      disk.leave(level);
      const code = await run().then(() => 'green', (error: { code?: string }) => error.code);
      if (code === 'green') break;
      failed += 1;
      expect([level, code]).toEqual([level, 'platform.disk-full']);
      expect(await readdir(folder.tools.scratch)).toEqual([]);
    }
    expect(failed).toBeGreaterThan(1);
    disk.free();
    expect(await run()).toBe(ROWS);
    await lite.close();
    await files.close();
  }, 120_000);

  it.each([4, 100, 500])('with %i kB left: rows that are set aside are refused, never cut', async (kb) => { // of 3,000 rows only one portion goes to the disk, and none comes after it to find out
    disk.leave(kb * KB);
    const spool = new AsideSpool(join(disk.at, 'aside'));
    const add = (): void => { for (let row = 0; row < (kb > 256 ? 20_000 : 3_000); row += 1) spool.add({ row, line: null, reason: 'not_null:note', raw: 'x'.repeat(90) } as never); };
    expect(add).toThrow(expect.objectContaining({ code: 'ENOSPC' }) as unknown as Error);
    spool.drop();
    expect(await readdir(disk.at)).toEqual([BALLAST]);
  });
});
