import { EtlError, type LoadTask, Sha256 } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import { compile } from '@agent-etl/sql-safety';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Duck } from './duck-sql.ts';
import { MOST_PARTITIONS, keyOfNothing, partitionFolder, valuesOfKey } from './partition-names-rules.ts';
import { countKept, keepRows, keptRows, splitBy } from './partitioned-copy.ts';
import { sha256Of } from './sha256-of.ts';

/** What a piece with partitions has written, beside its files. */
const PieceIndex = z.array(z.object({ file: z.string(), values: z.array(z.string().nullable()), rows: z.int().nonnegative(), sha256: Sha256 }));
/** @property file name in the folder of the piece
 * @property values what the folders of its partition will say */
export type PieceFile = z.infer<typeof PieceIndex>[number];
export const indexOf = (piece: string): string => join(piece, 'index.json');
/** The files of a piece, which are all there once it is listed. */
export const readIndex = async (piece: string): Promise<PieceFile[]> => PieceIndex.parse(JSON.parse(await readFile(indexOf(piece), 'utf8')));

export const tooMany = ({ target: { dataset }, partitionBy = [] }: Pick<LoadTask, 'target' | 'partitionBy'>): EtlError =>
  new EtlError('sink.too-many-partitions', { target: dataset, limit: MOST_PARTITIONS, columns: partitionBy.join(', ') });

interface Writing {
  readonly from: Duck; readonly signal?: AbortSignal | undefined;
  readonly copyInto: (columns: LoadTask['columns'], rows: Duck, path: string) => Duck;
}
/** Writes the rows c0, c1, … of a piece into its folder, a file for each partition, one after the other, and a list of them; answers the rows.
 * @throws EtlError `sink.too-many-partitions` before any file is written, `file.forbidden` for a name that no file system takes, `data.value-out-of-range` for a value that has none */
export async function writePartitions(duck: DuckChild, { task, path: piece }: { readonly task: LoadTask; readonly path: string }, { from, signal, copyInto }: Writing): Promise<number> {
  const { columns, partitionBy: by = [] } = task;
  const split = splitBy(columns, by);
  await duck.query(compile(keepRows(from, columns, split)), signal);
  const partitions = (await duck.query(compile(countKept(MOST_PARTITIONS)), signal)).map((row) => ({ key: String(row['key']), rows: Number(row['rows']) }));
  if (partitions.length > MOST_PARTITIONS) throw tooMany(task);
  for (const { key } of partitions) refuseLong(partitionFolder(by, valuesOfKey(key)));
  const files: PieceFile[] = [];
  // No rows, no partitions: one file without rows, of no value, says what columns there would be.
  const empty = { key: keyOfNothing(by.length), rows: 0 };
  for (const [index, { key, rows }] of (partitions.length > 0 ? partitions : [empty]).entries()) {
    const path = join(piece, String(index));
    const written = await duck.copy(compile(copyInto([...split.kept], keptRows(key, split.kept.length), path)), signal);
    if (written !== rows) throw new EtlError('sink.reconcile-mismatch', { difference: `a partition has ${rows} rows, ${written} are in its file` });
    files.push({ file: String(index), values: valuesOfKey(key), rows, sha256: await sha256Of(path) });
  }
  await writeFile(indexOf(piece), JSON.stringify(files), { flag: 'wx' });
  return files.reduce((sum, { rows }) => sum + rows, 0);
}
const MOST_BYTES = 255;
function refuseLong(folders: string): void {
  const long = folders.split('/').find((folder) => Buffer.byteLength(folder) > MOST_BYTES);
  if (long !== undefined) throw new EtlError('file.forbidden', { file: `${long.slice(0, 60)}…`, reason: `the folder of a partition has a name of ${Buffer.byteLength(long)} bytes, and a file system takes ${MOST_BYTES}`, next: 'partition by a shorter text' });
}
