import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadTask, PublishTask } from '@agent-etl/contracts';
import type { ConnectorTools } from '../../port.ts';
import { FolderSinkSession } from '../folder-sink.ts';
import { StagedFolder } from '../staged-folder.ts';
import { KeptFileLedger } from './kept-file-ledger.ts';

const PARTS = 3;
const task = { target: { connection: 'files', dataset: 'out/' }, columns: [] } as unknown as LoadTask;
export const publishTask = { how: 'file' } as unknown as PublishTask;
/** A session of one run whose parts say which run they are of. */
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
    await writeFile(staged.open(key, attempt), `${runId},${part}\n`.repeat(1_000));
    await staged.keep(key, attempt);
    await tools.fileLedger.add(runId, 'load', { chunkKey: key, attempt, fence, rows: 1_000, rejected: 0, bytes: 1, digest: null });
  }
  return session;
}
/** A program of its own: fills and publishes a folder for one run after the other, until it is killed. */
const [, , base, first] = process.argv;
if (base !== undefined && first !== undefined && process.argv[1]?.endsWith('killed-folder-writer.ts')) {
  for (let run = Number(first); ; run += 1) {
    process.stdout.write(`${run}\n`);
    const session = await folderSession(base, `00000000-0000-4000-8000-${String(run).padStart(12, '0')}`, 1);
    await session.publish(publishTask, { rows: PARTS * 1_000, digest: null });
  }
}
