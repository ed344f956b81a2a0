import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash, getRandomValues } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type AFolder, aFolder, aLoad, aWriter, stage } from './testing/a-folder.ts';

let folder: AFolder;
beforeEach(async () => { folder = await aFolder(); });
afterEach(async () => { await folder.drop(); });

/** Rows that no compression makes small. */
const noise = (rows: number): string => `id,note\n${Array.from({ length: rows }, (_, row) => `${row},${createHash('sha256').update(getRandomValues(new Uint8Array(8))).digest('base64')}\n`).join('')}`;

describe('a file sink in trouble', () => {
  it('loses one attempt when the engine is killed, and shows nothing of it', async () => {
    await folder.write('t.csv', noise(400_000));
    const open = await folder.open();
    const task = aLoad(await open.profile('t.csv', 'source'), 'u.parquet', { carrier: 'text' });
    const writer = aWriter();
    const sink = await open.sink.begin(task, writer);
    const staged = stage(open, sink, task);
    const killer = setInterval(() => {
      if (!readdirIf(folder.root).some((name) => name.endsWith('.1.tmp'))) return;
      clearInterval(killer);
      const child = execFileSync('pgrep', ['-P', String(process.pid), '-f', 'duckdb-child.mjs']).toString().trim().split('\n')[0];
      process.kill(Number(child), 'SIGKILL');
    }, 5);
    await expect(staged).rejects.toMatchObject({ code: 'platform.unavailable' });
    clearInterval(killer);
    expect(await readdir(folder.root)).toEqual(['t.csv']);
    const again = await open.sink.begin(task, { ...writer, attempt: 2 });
    expect((await stage(open, again, task)).rows).toBe(400_000);
    await again.discard();
    expect(await readdir(folder.root)).toEqual(['t.csv']);
    expect(await readdir(folder.tools.scratch)).toEqual([]);
  }, 60_000);

  it('ends within a second when it is cancelled, and leaves no child', async () => {
    await folder.write('t.csv', noise(800_000));
    const open = await folder.open();
    const task = aLoad(await open.profile('t.csv', 'source'), 'u.csv.gz');
    const sink = await open.sink.begin(task, aWriter());
    await sink.raise();
    await sink.prepare({ fresh: 'keep' });
    const chunk = await sink.begin({ key: 'k', ordinal: 0, from: null, to: null });
    if (chunk === 'done') throw new Error('not done yet');
    const stop = new AbortController();
    const copied = chunk.copyFile((await open.source.begin(task, null)).scan(), stop.signal);
    setTimeout(() => { stop.abort(new Error('cancelled')); }, 300);
    const from = performance.now();
    await expect(copied).rejects.toThrow('cancelled');
    expect(performance.now() - from).toBeLessThan(1_800);
    await chunk.abort(new Error('cancelled'));
    expect(await readdir(folder.root)).toEqual(['t.csv']);
    expect(existsSync(join(folder.tools.scratch, 'duck'))).toBe(false);
  }, 60_000);
});
function readdirIf(path: string): string[] { return execFileSync('ls', ['-A', path]).toString().split('\n'); }
