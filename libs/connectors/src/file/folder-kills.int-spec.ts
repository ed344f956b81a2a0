import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { checkParts, readManifest } from './folder-manifest.ts';
import { folderSession, publishTask } from './testing/killed-folder-writer.ts';

const program = fileURLToPath(new URL('./testing/killed-folder-writer.ts', import.meta.url));
/** Run that all parts of the manifest are of. */
async function seen(folder: string): Promise<string | null> {
  const manifest = await readManifest(folder);
  if (!manifest) return null;
  await checkParts(folder, manifest);
  const texts = await Promise.all(manifest.parts.map(({ name }) => readFile(join(folder, name), 'utf8')));
  expect([manifest.parts.length, manifest.rows, new Set(texts.map((text) => text.slice(0, 36)))]).toEqual([3, 3_000, new Set([manifest.runId])]);
  return manifest.runId;
}

it('shows the parts of one run and no other, wherever kill -9 hits, and the next attempt ends what was begun', async () => {
  const base = await mkdtemp(join(tmpdir(), 'etl-folder-kills-'));
  const folder = join(base, 'out');
  let next = 1;
  for (let round = 1; round <= 8; round += 1) {
    const child = spawn(process.execPath, ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', program, base, String(next)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let run = next;
    child.stdout.on('data', (text) => { run = Number(String(text).trim().split('\n').at(-1)); });
    await once(child.stdout, 'data');
    await sleep(25 + round * 17);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const id = (nth: number): string => `00000000-0000-4000-8000-${String(nth).padStart(12, '0')}`;
    expect([id(run), id(run - 1), null]).toContain(await seen(folder));
    const session = await folderSession(base, id(run), 2);
    expect(await session.publish(publishTask, { rows: 3_000, digest: null })).toMatchObject({ published: 3_000 });
    expect(await seen(folder)).toBe(id(run));
    expect((await readdir(folder)).length).toBe(4); // three parts and the manifest: nothing of before, nothing half
    next = run + 1;
  }
  await rm(base, { recursive: true, force: true });
}, 120_000);
