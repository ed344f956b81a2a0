import { EtlError, type LoadTask } from '@agent-etl/contracts';
import { DuckChild } from '@agent-etl/engines';
import { shapeOfCsv } from './csv-profile.ts';
import { asPlanned, driftOf, keysAsPlanned } from './file-drift-rules.ts';
import type { Ends } from './file-folder.ts';
import { requireFormat } from './file-format-rules.ts';
import type { FileGate } from './file-gate.ts';
import { type ReadPlan, type TextPlan, compressionOf, fromOptions, packedAs } from './file-options.ts';
import { columnsOf, fingerprintOf, openFile, readParquetShape } from './file-profile.ts';
import { keysOf } from './json-profile.ts';
import { checkPacked } from './packed-file.ts';
import { readable } from './readable-file.ts';
import { type TextHead, readTextHead } from './text-head.ts';

/** A file that still has the shape it was planned with, and the plan by which DuckDB reads it. */
export interface OpenedSource { readonly path: string; readonly plan: ReadPlan; readonly bytes: number; drop(): Promise<void> }
interface File { readonly dataset: string; readonly path: string; readonly ends: Ends; readonly scratch: string }

const drifted = (dataset: string, diff: string): EtlError => new EtlError('source.schema-drifted', { dataset, diff });
function refuseDrift(task: LoadTask, plan: ReadPlan, found: readonly string[]): void {
  const isFingerprint = fingerprintOf(columnsOf(plan.columns)) === task.sourceFingerprint;
  const diff = driftOf(plan, found) ?? (isFingerprint ? null : 'the order of its columns');
  if (diff !== null) throw drifted(task.source.dataset, diff);
}

/** @throws EtlError `source.schema-drifted`, `source.not-found`, `data.format-invalid`, `file.forbidden`, `plan.stale` */
export async function openSource(gate: FileGate, task: LoadTask, scratch: string): Promise<OpenedSource> {
  const { dataset } = task.source;
  const plan = fromOptions(task.options);
  const file: File = { dataset, ...await openFile(gate, dataset), scratch };
  return plan.format === 'parquet' ? openParquet(task, plan, file) : openText(task, plan, file);
}

async function openParquet(task: LoadTask, plan: ReadPlan, { dataset, path, ends, scratch }: File): Promise<OpenedSource> {
  const duck = await DuckChild.start({ about: dataset, scratch, files: [path] });
  try {
    refuseDrift(task, plan, (await readParquetShape(duck, path)).columns.map(({ name, duckType }) => `${name} ${duckType}`));
  } finally {
    await duck.stop();
  }
  return { path, plan, bytes: ends.bytes, drop: async () => undefined };
}

async function openText(task: LoadTask, plan: TextPlan, file: File): Promise<OpenedSource> {
  const { dataset, ends: { bytes }, scratch } = file;
  const format = requireFormat(dataset);
  const head = await readTextHead(dataset, file, format);
  if (head.encoding !== (plan.encoding ?? 'utf-8')) throw drifted(dataset, `${head.encoding} instead of ${plan.encoding ?? 'utf-8'}`);
  if (plan.format === 'csv') refuseDrift(task, plan, asPlanned(shapeOfCsv(dataset, head, { format, known: plan.dialect }).names, plan));
  const compression = compressionOf(plan);
  if (compression !== 'none' && head.reading === 'direct') await checkPacked(file.path, { dataset, compression, bytes });
  const { path, drop, ...read } = await readable({ ...head, dataset, path: file.path, bytes, compression, scratch });
  const readPlan = packedAs(plan, read.compression);
  try {
    if (readPlan.format !== 'csv') refuseDrift(task, plan, keysAsPlanned(await keysIn(readPlan, { ...file, path, head }), plan));
  } catch (error) {
    await drop();
    throw error;
  }
  return { path, plan: readPlan, bytes, drop };
}
async function keysIn(layout: Exclude<TextPlan, { format: 'csv' }>, { dataset, path, scratch, head }: File & { head: TextHead }): Promise<string[]> {
  const duck = await DuckChild.start({ about: dataset, scratch, files: [path], threads: 1 });
  try {
    return await keysOf(duck, { path, dataset, layout, head });
  } finally {
    await duck.stop();
  }
}
