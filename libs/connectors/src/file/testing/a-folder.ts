import type { Column, ColumnMapping, FileConnection, LoadTask, Profile, PublishTask } from '@agent-etl/contracts';
import { Secret } from '@agent-etl/secrets';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectorTools, OpenConnection, SinkSession, Writer } from '../../port.ts';
import { fileConnector } from '../file-connector.ts';
import { mapToFile } from '../file-types-rules.ts';
import { MemoryFileLedger } from './memory-file-ledger.ts';

/** A folder with a file connection on it, for tests. */
export interface AFolder { readonly root: string; readonly tools: ConnectorTools; readonly ledger: MemoryFileLedger; readonly connection: FileConnection; open(): Promise<OpenConnection>; write(name: string, content: string | Uint8Array): Promise<void>; drop(): Promise<void> }
export async function aFolder(): Promise<AFolder> {
  const base = await mkdtemp(join(tmpdir(), 'etl-files-'));
  const root = join(base, 'data');
  const scratch = join(base, 'scratch');
  await Promise.all([mkdir(root), mkdir(scratch)]);
  const ledger = new MemoryFileLedger();
  const tools: ConnectorTools = { secrets: { get: async () => new Secret('none') }, fileRoots: [root], scratch, fileLedger: ledger, name: 'test' };
  const connection: FileConnection = { name: 'files', connector: 'file', root };
  return {
    root, tools, ledger, connection, open: () => fileConnector.open(connection, tools),
    write: async (name, content) => { await writeFile(join(root, name), content); }, drop: () => rm(base, { recursive: true, force: true }),
  };
}

/** Columns as a planner would map them from a file, or from anything, into a file. */
export const mappedToFile = (columns: readonly Column[]): ColumnMapping[] => columns.map((column) =>
  ({ source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: mapToFile(column).native, nullable: column.nullable }));

export function aLoad(source: Profile, target: string, more: Partial<LoadTask> = {}): LoadTask {
  return {
    id: 'load', engine: 'duckdb', kind: 'load', source: { connection: source.connection, dataset: source.dataset }, target: { connection: 'files', dataset: target },
    columns: mappedToFile(source.columns), carrier: 'file', chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 1 }, sourceFingerprint: source.fingerprint,
    options: source.options, digest: 'text-md5', ...more,
  };
}
export const aPublish = (load: LoadTask, more: Partial<PublishTask> = {}): PublishTask => ({
  id: 'publish', engine: 'duckdb', kind: 'publish', load: load.id, source: load.source, target: load.target, columns: load.columns, how: 'file', key: null, keyFromSource: false,
  level: 'full', digest: 'text-md5', ...more,
});
export const aWriter = (more: Partial<Writer> = {}): Writer => ({ runId: randomUUID(), task: 'load', attempt: 1, holder: 'tests', ...more });

/** Moves a whole source into a sink as a worker does, without publishing. */
export async function stage(source: OpenConnection, sink: SinkSession, task: LoadTask): Promise<{ rows: number; digest: string; chunk: string }> {
  const { signal } = new AbortController();
  const session = await source.source.begin(task, null);
  try {
    const [range] = await session.cut();
    if (!range) throw new Error('a source has one piece at least');
    await sink.raise();
    await sink.prepare({ fresh: 'keep' });
    const writer = await sink.begin(range);
    let rows = 0;
    if (writer !== 'done') {
      try {
        const count = task.carrier === 'file' ? await writer.copyFile(session.scan(), signal) : await session.read(range, { to: writer.to, onRead: () => undefined, signal });
        rows = count.rows;
        await writer.commit({ rows: count.rows, rejected: 0, bytes: count.bytes, digest: null });
      } catch (cause) {
        await writer.abort(cause);
        throw cause;
      }
    }
    const { a, b } = await session.digest([range], signal);
    return { rows, digest: `${a}:${b}`, chunk: range.key };
  } finally {
    await session.close();
  }
}
