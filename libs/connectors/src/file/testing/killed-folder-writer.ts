import fs from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import type { LoadTask, PublishTask } from '@agent-etl/contracts';
import type { ConnectorTools } from '../../port.ts';
import { FolderSinkSession } from '../folder-sink.ts';
import { StagedFolder } from '../staged-folder.ts';
import { KeptFileLedger } from './kept-file-ledger.ts';

const PARTS = 3;
const task = { target: { connection: 'files', dataset: 'out/' }, columns: [] } as unknown as LoadTask;
export const publishTask = { how: 'file' } as unknown as PublishTask;
/** A session of one run whose parts say which run they are of; the last two are the same bytes. */
export async function folderSession(base: string, runId: string, attempt: number): Promise<FolderSinkSession> {
  const tools = { fileLedger: new KeptFileLedger(join(base, 'ledger.json')) } as unknown as ConnectorTools;
  const writer = { runId, task: 'load', attempt, holder: 'killed' };
  const staged = new StagedFolder(join(base, 'out'), '.csv', runId);
  const session = new FolderSinkSession({ task, writer, format: { format: 'csv', compression: 'none', delimiter: ',' }, connection: 'files', readBack: () => Promise.reject(new Error('nothing is read back here')) }, staged, tools);
  const fence = await session.raise();
  const written = await session.ledger();
  if (written.some(({ chunkKey }) => chunkKey === 'publish')) return session;
  if (written.length < PARTS) await session.prepare({ fresh: 'keep' });
  for (let part = 0; part < PARTS; part += 1) {
    const key = String(part).repeat(64);
    if (written.some(({ chunkKey }) => chunkKey === key)) continue;
    await writeFile(staged.open(key, attempt), `${runId},${Math.min(part, 1)}\n`.repeat(1_000));
    await staged.keep(key, attempt);
    await tools.fileLedger.add(runId, 'load', { chunkKey: key, attempt, fence, rows: 1_000, rejected: 0, bytes: 1, digest: null });
  }
  return session;
}
/** A program of its own: fills and publishes a folder for one run, and kills itself before its n-th rename. It is told where, which run and n. */
const [, program, base, run, nth] = process.argv;
if (base !== undefined && run !== undefined && program?.endsWith('killed-folder-writer.ts')) {
  const { rename } = fs.promises;
  let renames = 0;
  fs.promises.rename = async (...names) => {
    renames += 1;
    if (renames === Number(nth)) process.kill(process.pid, 'SIGKILL');
    await rename(...names);
  };
  syncBuiltinESMExports();
  await (await folderSession(base, run, 1)).publish(publishTask, { rows: PARTS * 1_000, digest: null });
  process.stdout.write('published');
}
