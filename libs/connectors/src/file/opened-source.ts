import { EtlError, type Issue, type LoadTask } from '@agent-etl/contracts';
import { DuckChild } from '@agent-etl/engines';
import { beyondMemory } from './beyond-memory.ts';
import { asPlanned, driftIssuesOf, driftOf, keysAsPlanned } from './file-drift-rules.ts';
import type { FileGate } from './file-gate.ts';
import { type ReadPlan, type TextPlan, allColumns, compressionOf, fromOptions, packedAs } from './file-options.ts';
import { columnsOf, fingerprintOf, openFiles } from './file-profile.ts';
import { keysOf } from './json-profile.ts';
import { rowLimitOf } from './long-rows.ts';
import { checkPacked } from './packed-file.ts';
import { readParquetShape } from './parquet-shape.ts';
import { readable } from './readable-file.ts';
import { inItsFile } from './refused-record.ts';
import type { SourceFile, SourceFiles } from './source-files.ts';
import { lookAtTexts } from './text-files.ts';
import type { TextHead } from './text-head.ts';

/** Files that still have the shape they were planned with, and the plan by which DuckDB reads them. */
export interface OpenedSource { readonly files: readonly SourceFile[]; readonly plan: ReadPlan; drop(): Promise<void> }

/** How files are read, as they were when they were profiled. */
type Wanted = Pick<LoadTask, 'source' | 'options' | 'sourceFingerprint' | 'columns' | 'judging'>;

const drifted = (dataset: string, diff: string, issues: readonly Issue[] = []): EtlError => new EtlError('source.schema-drifted', { dataset, diff }, { issues });
/** @param found columns of the files as they are now */
function refuseDrift(task: Wanted, plan: ReadPlan, { found, keys }: { found: readonly string[]; keys: readonly string[] }): void {
  const partitions = keys.map((key) => `${key} ${plan.partitions?.find(({ name }) => name === key)?.duckType ?? 'unknown'}`);
  const isFingerprint = fingerprintOf(columnsOf(allColumns(plan))) === task.sourceFingerprint;
  const diff = driftOf(plan, [...found, ...partitions]) ?? (isFingerprint ? null : 'the order of its columns');
  if (diff !== null) throw drifted(task.source.dataset, diff, driftIssuesOf(plan, [...found, ...partitions]));
}

/** @throws EtlError `source.schema-drifted`, `source.not-found`, `data.format-invalid`, `file.forbidden`, `plan.stale` */
export async function openSource(gate: FileGate, task: Wanted, scratch: string): Promise<OpenedSource> {
  const plan = fromOptions(task.options);
  const found = await openFiles(gate, task.source.dataset, scratch);
  if (found.format.format !== plan.format) throw drifted(task.source.dataset, `${found.format.format} instead of ${plan.format}`);
  const dropFound = async (): Promise<void> => { await found.drop?.(); };
  try {
    const opened = await (plan.format === 'parquet' ? openParquet(task, plan, { ...found, scratch }) : openText(task, plan, { ...found, scratch }));
    return { ...opened, drop: async () => { await opened.drop(); await dropFound(); } };
  } catch (error) {
    await dropFound();
    throw error;
  }
}
type Found = SourceFiles & { readonly scratch: string };

async function openParquet(task: Wanted, plan: ReadPlan, { files, keys, scratch }: Found): Promise<OpenedSource> {
  const duck = await DuckChild.start({ about: task.source.dataset, scratch, files: files.map(({ path }) => path) });
  try {
    refuseDrift(task, plan, { found: (await readParquetShape(duck, files)).columns.map(({ name, duckType }) => `${name} ${duckType}`), keys });
  } finally {
    await duck.stop();
  }
  return { files, plan, drop: async () => undefined };
}

async function openText(task: Wanted, plan: TextPlan, found: Found): Promise<OpenedSource> {
  const { source: { dataset } } = task;
  const { keys, scratch } = found;
  const { head, shape } = await lookAtTexts(found, plan.format === 'csv' ? plan.dialect : undefined);
  if (head.encoding !== (plan.encoding ?? 'utf-8')) throw drifted(dataset, `${head.encoding} instead of ${plan.encoding ?? 'utf-8'}`);
  if (shape) refuseDrift(task, plan, { found: asPlanned(shape.names, plan), keys });
  const compression = compressionOf(plan);
  const limit = rowLimitOf(plan.format, plan.format === 'csv' ? plan.dialect : null, task.judging?.bad);
  if (compression !== 'none' && head.reading === 'direct') for (const { name, path, bytes } of found.files) await checkPacked(path, { dataset: name, compression, bytes, format: plan.format, limit });
  const { files, drop, ...read } = await readable({ ...head, dataset, files: found.files, compression, scratch, format: plan.format, limit });
  const readPlan = packedAs(plan, read.compression);
  try {
    if (readPlan.format !== 'csv') refuseDrift(task, plan, { found: keysAsPlanned(await keysIn(readPlan, { dataset, files, scratch, head, ...(task.judging?.bad === 'aside' ? { bad: 'aside' as const } : {}) }), plan), keys });
  } catch (error) {
    await drop();
    throw error;
  }
  return { files, plan: readPlan, drop };
}
async function keysIn(layout: Exclude<TextPlan, { format: 'csv' }>, about: { dataset: string; files: readonly SourceFile[]; scratch: string; head: TextHead; bad?: 'aside' }): Promise<string[]> {
  const { dataset, scratch, files: _, ...how } = about;
  const duck = await DuckChild.start({ about: dataset, scratch, files: about.files.map(({ path }) => path), threads: 1 });
  try {
    return await keysOf(duck, { files: about.files, dataset, layout, ...how });
  } catch (error) {
    throw inItsFile(await beyondMemory(error, { files: about.files, format: layout.format, dialect: null, compression: layout.compression }), about.files);
  } finally {
    await duck.stop();
  }
}
