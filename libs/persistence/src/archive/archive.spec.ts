import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CHUNK_BYTES } from './archive-format.ts';
import { readArchive, verifyArchive } from './archive-reader.ts';
import { ArchiveWriter } from './archive-writer.ts';

const header = { format: 'agent-etl backup', version: 1, release: 1, takenAt: '2026-01-01T00:00:00.000Z', server: '18', database: 'd', schemas: { monitor: [] }, keys: [] } as const;
const part = { schema: 'monitor', table: 'inbox', columns: ['a'], sequences: [] };

describe('an archive', () => {
  let folder: string;
  let file: string;
  const write = async (name: string, rows: readonly Buffer[]): Promise<string> => {
    const path = join(folder, name);
    const writer = await ArchiveWriter.open(path, { ...header, schemas: { monitor: [] }, keys: [] });
    await writer.begin(part);
    for (const row of rows) await writer.row(row);
    await writer.end();
    await writer.finish();
    return path;
  };
  const rowsIn = async (path: string): Promise<Buffer> => {
    const rows: Buffer[] = [];
    for await (const event of readArchive(path, 'load')) if (event.is === 'rows') rows.push(event.rows);
    return Buffer.concat(rows);
  };
  const problem = (path: string): Promise<string> => verifyArchive(path).then(() => 'taken', (error: { code: string; message: string }) => `${error.code}: ${error.message}`);
  beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'etl-archive-')); file = await write('good', [Buffer.from('one\n'), Buffer.from('two\n')]); });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('gives rows back as they came, also those that fill many records or are larger than one', async () => {
    const rows = [...Array.from({ length: 3000 }, (_, n) => Buffer.from(`${n}\t${'x'.repeat(n)}\n`)), Buffer.alloc(9 * CHUNK_BYTES + 7, 'y'), Buffer.from('last\n')];
    expect((await rowsIn(await write('large', rows))).equals(Buffer.concat(rows))).toBe(true);
  });
  it('keeps rows whose bytes the driver writes over', async () => {
    const path = join(folder, 'reused');
    const writer = await ArchiveWriter.open(path, { ...header, schemas: {}, keys: [] });
    await writer.begin(part);
    const shared = Buffer.from('first\n');
    await writer.row(shared);
    shared.write('other\n');
    await writer.row(shared);
    await writer.end();
    await writer.finish();
    expect((await rowsIn(path)).toString()).toBe('first\nother\n');
  });
  it('is refused with any one of its bytes changed, cut anywhere, and with more behind it', async () => {
    const whole = await readFile(file);
    const bad = join(folder, 'bad');
    const taken: string[] = [];
    const tryIt = async (what: string, bytes: Buffer): Promise<void> => { await writeFile(bad, bytes); if (!(await problem(bad)).startsWith('backup.invalid')) taken.push(what); };
    for (let byte = 0; byte < whole.byteLength; byte += 1) {
      const bytes = Buffer.from(whole);
      bytes[byte]! ^= 1 << (byte % 8);
      await tryIt(`byte ${byte}`, bytes);
      await tryIt(`cut at ${byte}`, whole.subarray(0, byte));
    }
    await tryIt('one more', Buffer.concat([whole, Buffer.from(' ')]));
    expect(taken).toEqual([]);
    expect(whole.byteLength).toBeGreaterThan(400);
  }, 60_000);
  it('says what is wrong', async () => {
    await writeFile(join(folder, 'text'), 'select 1;');
    await writeFile(join(folder, 'newer'), Buffer.from((await readFile(file)).toString('latin1').replace('"version":1', '"version":2'), 'latin1'));
    expect(await problem(join(folder, 'missing'))).toContain('it cannot be opened: ENOENT');
    expect(await problem(join(folder, 'text'))).toContain('it ends too early');
    expect(await problem(join(folder, 'newer'))).toContain('written by a newer release');
  });
  it('has no name before it is whole, and leaves nothing when it is given up', async () => {
    const writer = await ArchiveWriter.open(join(folder, 'half'), { ...header, schemas: {}, keys: [] });
    expect(await readdir(folder)).not.toContain('half');
    await writer.abandon();
    expect((await readdir(folder)).filter((name) => name.startsWith('half'))).toEqual([]);
  });
});
