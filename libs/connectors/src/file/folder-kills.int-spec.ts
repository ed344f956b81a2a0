import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkParts, readManifest } from './folder-manifest.ts';
import { type Shape, folderSession, publishTask } from './testing/killed-folder-writer.ts';

const program = fileURLToPath(new URL('./testing/killed-folder-writer.ts', import.meta.url));
/** Run that all parts of the manifest are of. */
async function seen(folder: string, shape: Shape): Promise<string | null> {
  const manifest = await readManifest(folder);
  if (!manifest) return null;
  await checkParts(folder, manifest);
  const texts = await Promise.all(manifest.parts.map(({ name }) => readFile(join(folder, name), 'utf8')));
  expect([manifest.parts.length, manifest.rows, new Set(texts.map((text) => text.slice(0, 36)))]).toEqual([shape === 'parts' ? 3 : 6, 3_000, new Set([manifest.runId])]);
  return manifest.runId;
}

it.each<Shape>(['parts', 'partitions'])('shows the %s of one run and no other, whichever rename kill -9 comes before, and the next attempt ends what was begun', async (shape) => {
  const base = await mkdtemp(join(tmpdir(), 'etl-folder-kills-'));
  const folder = join(base, 'out');
  const id = (nth: number): string => `00000000-0000-4000-8000-${String(nth).padStart(12, '0')}`;
  const end = async (run: number): Promise<void> => {
    const session = await folderSession(base, id(run), { attempt: 2, shape });
    if (!(await session.ledger()).some(({ chunkKey }) => chunkKey === 'publish')) expect(await session.stagedDigest(publishTask, new AbortController().signal)).toMatchObject({ rows: 3_000 });
    expect(await session.publish(publishTask, { rows: 3_000, digest: null })).toMatchObject({ published: 3_000 });
    expect(await seen(folder, shape)).toBe(id(run));
    expect((await readdir(folder)).length).toBe(shape === 'parts' ? 4 : 3); // three parts, or two partitions, and the manifest: nothing of before, nothing half
  };
  await end(0);
  let isPublished = false;
  for (let rename = 1; !isPublished; rename += 1) {
    const child = spawn(process.execPath, ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', program, base, id(rename), String(rename), shape], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.on('data', () => { isPublished = true; });
    await once(child, 'exit');
    expect(await seen(folder, shape)).toBe(id(isPublished ? rename : rename - 1)); // the last rename is that of the manifest
    await end(rename);
    expect(rename).toBeLessThan(14);
  }
  await rm(base, { recursive: true, force: true });
}, 120_000);
