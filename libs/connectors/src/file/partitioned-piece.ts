import { EtlError, type LoadTask, Sha256 } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import { compile } from '@agent-etl/sql-safety';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { FileFormat } from './file-format-rules.ts';
import { countParts } from './part-sql.ts';
import { MOST_PARTITIONS, partitionFolder, valuesOfKey } from './partition-names-rules.ts';
import { sha256Of } from './sha256-of.ts';

/** What a piece with partitions has written, beside its files. */
const INDEX = 'index.json';
const Value = z.string().nullable();
const PieceIndex = z.array(z.object({ file: z.string(), values: z.array(Value), rows: z.int().nonnegative(), sha256: Sha256 }));
/** @property file path below the folder of the piece
 * @property values what the folders of its partition will say */
export type PieceFile = z.infer<typeof PieceIndex>[number];
/** Where DuckDB writes, below the folder of the piece: it makes that folder itself. */
const ROWS = 'rows';
const LOOK_MS = 200;
/** Files asked for at once: a statement names each. */
const AT_ONCE = 500;

export const rowsFolder = (piece: string): string => join(piece, ROWS);
/** The files of a piece, as they were when its last byte was on disk. */
export const readIndex = async (piece: string): Promise<PieceFile[]> => PieceIndex.parse(JSON.parse(await readFile(join(piece, INDEX), 'utf8')));
export const indexOf = (piece: string): string => join(piece, INDEX);

export const tooMany = ({ target: { dataset }, partitionBy = [] }: Pick<LoadTask, 'target' | 'partitionBy'>): EtlError =>
  new EtlError('sink.too-many-partitions', { target: dataset, limit: MOST_PARTITIONS, columns: partitionBy.join(', ') });
const partitionsIn = (piece: string): Promise<string[]> => readdir(rowsFolder(piece)).catch(() => []);
/** Ends a COPY that makes a folder for every row, before the disk is full of them.
 * @returns the signal for the COPY, and what ends the watch */
export function watchPartitions(task: LoadTask, piece: string, outer?: AbortSignal): { readonly signal: AbortSignal; done(): void } {
  const stop = new AbortController();
  const timer = setInterval(() => { void partitionsIn(piece).then((names) => { if (names.length > MOST_PARTITIONS) stop.abort(tooMany(task)); }); }, LOOK_MS).unref();
  return { signal: outer ? AbortSignal.any([outer, stop.signal]) : stop.signal, done: () => { clearInterval(timer); } };
}

/** Counts the rows of each file that a COPY has written and leaves a list of them: the sum is what is in the files, not what the COPY said.
 * @throws EtlError `sink.too-many-partitions`, `sink.reconcile-mismatch`, `file.forbidden` for a name that no file system takes */
export async function listPiece(duck: DuckChild, { task, format }: { readonly task: LoadTask; readonly format: FileFormat }, { piece, rows }: { readonly piece: string; readonly rows: number }): Promise<void> {
  const { columns, partitionBy: by = [] } = task;
  const partitions = await partitionsIn(piece);
  if (partitions.length > MOST_PARTITIONS) throw tooMany(task);
  const files: PieceFile[] = [];
  for (const name of partitions.sort()) {
    const values = valuesOfKey(name.slice(name.lastIndexOf('=') + 1));
    refuseLong(partitionFolder(by, values));
    for (const file of (await readdir(join(rowsFolder(piece), name))).sort()) files.push({ file: join(ROWS, name, file), values, rows: 0, sha256: await sha256Of(join(rowsFolder(piece), name, file)) });
  }
  for (let at = 0; at < files.length; at += AT_ONCE) {
    const some = files.slice(at, at + AT_ONCE);
    const counted = new Map((await duck.query(compile(countParts(some.map(({ file }) => join(piece, file)), { columns, by, format })))).map((row) => [String(row['path']), Number(row['rows'])]));
    some.forEach((each, index) => { files[at + index] = { ...each, rows: counted.get(join(piece, each.file)) ?? 0 }; });
  }
  const found = files.reduce((sum, each) => sum + each.rows, 0);
  if (found !== rows) throw new EtlError('sink.reconcile-mismatch', { difference: `${rows} rows were written, ${found} are in the files of their partitions` });
  await writeFile(join(piece, INDEX), JSON.stringify(files), { flag: 'wx' });
}
const MOST_BYTES = 255;
function refuseLong(folders: string): void {
  const long = folders.split('/').find((folder) => Buffer.byteLength(folder) > MOST_BYTES);
  if (long !== undefined) throw new EtlError('file.forbidden', { file: `${long.slice(0, 60)}…`, reason: `the folder of a partition has a name of ${Buffer.byteLength(long)} bytes, and a file system takes ${MOST_BYTES}`, next: 'partition by a shorter text' });
}
