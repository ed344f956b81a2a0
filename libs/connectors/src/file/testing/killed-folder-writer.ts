import fs from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import type { Digest, LoadTask, PublishTask } from '@agent-etl/contracts';
import type { ConnectorTools } from '../../port.ts';
import { FolderSinkSession } from '../folder-sink.ts';
import { indexOf } from '../partitioned-piece.ts';
import { sha256Of } from '../sha256-of.ts';
import { StagedFolder } from '../staged-folder.ts';
import { KeptFileLedger } from './kept-file-ledger.ts';

const PARTS = 3;
const task = { target: { connection: 'files', dataset: 'out/' }, columns: [] } as unknown as LoadTask;
export const publishTask = { how: 'file' } as unknown as PublishTask;
export type Shape = 'parts' | 'partitions';
const byPartition = { parts: {}, partitions: { partitionBy: ['k'] } };
/** Digest of files that are there, whatever they hold. */
async function rowsOf(parts: readonly { readonly path: string }[]): Promise<Digest> {
  const texts = await Promise.all(parts.map(({ path }) => readFile(path, 'utf8')));
  return { kind: 'text-md5', rows: texts.join('').split('\n').length - 1, a: '0', b: '0' };
}
/** Writes a piece: one file, or one in each of two partitions, of which one holds the same in all pieces. */
async function write(piece: string, lines: readonly string[], shape: Shape): Promise<void> {
  if (shape === 'parts') { await writeFile(piece, lines.join('')); return; }
  await mkdir(piece);
  const files = [];
  for (const [file, some] of [lines.slice(0, 1), lines.slice(1)].entries()) {
    const path = join(piece, String(file));
    await writeFile(path, some.join(''));
    files.push({ file: String(file), values: [file ? 'a/b' : null], rows: some.length, sha256: await sha256Of(path) });
  }
  await writeFile(indexOf(piece), JSON.stringify(files));
}
/** A session of one run whose parts say which run they are of; the last two pieces are the same bytes. */
export async function folderSession(base: string, runId: string, { attempt, shape }: { readonly attempt: number; readonly shape: Shape }): Promise<FolderSinkSession> {
  const tools = { fileLedger: new KeptFileLedger(join(base, 'ledger.json')) } as unknown as ConnectorTools;
  const writer = { runId, task: 'load', attempt, holder: 'killed' };
  const staged = new StagedFolder(join(base, 'out'), '.csv', runId);
  const session = new FolderSinkSession({ task: { ...task, ...byPartition[shape] }, writer, format: { format: 'csv', compression: 'none', delimiter: ',' }, connection: 'files', readBack: (_, parts) => rowsOf(parts), sample: () => Promise.reject(new Error('no sample is taken here')) }, staged, tools);
  const fence = await session.raise();
  const written = await session.ledger();
  if (written.some(({ chunkKey }) => chunkKey === 'publish')) return session;
  if (written.length < PARTS) await session.prepare({ fresh: 'keep' });
  for (let part = 0; part < PARTS; part += 1) {
    const key = String(part).repeat(64);
    if (written.some(({ chunkKey }) => chunkKey === key)) continue;
    await write(staged.open(key, attempt), Array.from({ length: 1_000 }, () => `${runId},${Math.min(part, 1)}\n`), shape);
    await staged.keep(key, attempt);
    await tools.fileLedger.add(runId, 'load', { chunkKey: key, attempt, fence, rows: 1_000, rejected: 0, bytes: 1, digest: null });
  }
  return session;
}
/** A program of its own: fills and publishes a folder for one run, and kills itself before its n-th rename. It is told where, which run and n. */
const [, program, base, run, nth, shape] = process.argv;
if (base !== undefined && run !== undefined && program?.endsWith('killed-folder-writer.ts')) {
  const { rename } = fs.promises;
  let renames = 0;
  fs.promises.rename = async (...names) => {
    renames += 1;
    if (renames === Number(nth)) process.kill(process.pid, 'SIGKILL');
    await rename(...names);
  };
  syncBuiltinESMExports();
  await (await folderSession(base, run, { attempt: 1, shape: shape as Shape })).publish(publishTask, { rows: PARTS * 1_000, digest: null });
  process.stdout.write('published');
}
