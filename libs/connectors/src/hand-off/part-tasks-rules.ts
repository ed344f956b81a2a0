import type { ColumnMapping, LoadTask, OtherInput } from '@agent-etl/contracts';
import { mapToFile } from '../file/file-types-rules.ts';

type Columns = OtherInput['columns'];
/** Names that differ in nothing but case would be one in the file between: there they are numbered. */
const namesBetween = (columns: Columns): string[] => (new Set(columns.map(({ name }) => name.toLowerCase())).size === columns.length ? columns.map(({ name }) => name) : columns.map((_, index) => `c${index}`));
const mapped = (columns: Columns, names = namesBetween(columns)): ColumnMapping[] => columns.map(({ name, type, native, nullable }, index) => ({ source: name, target: names[index] ?? name, type, sourceNative: native, targetNative: mapToFile({ type }).native, nullable: true, sourceNullable: nullable }));
const whole = { by: 'whole', count: 1, parallel: 1, targetBytes: 1 } as const;

/** Reading a dataset beside the source as a task of its own: the columns that are used, whole, as text. */
export function otherTask({ id }: Pick<LoadTask, 'id'>, { source, columns, unread, fingerprint, options }: OtherInput): LoadTask {
  return { id, kind: 'load', engine: 'duckdb', source, target: source, columns: mapped(columns), carrier: 'text', chunks: whole, sourceFingerprint: fingerprint, options, digest: 'text-md5', ...(unread.length ? { unread } : {}) };
}
/** Reading the source up to the hand-off as a task of its own. */
export function firstTask(task: LoadTask & { readonly transform: NonNullable<LoadTask['transform']> }): LoadTask {
  const { cursor: _, judging: __, sample: ___, level: ____, transform: { input, stages, handOff }, ...rest } = task;
  const first = stages.slice(0, handOff?.after ?? 0);
  return { ...rest, target: task.source, columns: mapped(handOff?.columns ?? input), carrier: 'text', engine: 'duckdb', chunks: whole, digest: 'text-md5', ...(first.length ? { transform: { input, stages: first } } : {}) };
}
/** What the engine child does with the rows of both. */
export function lastTask(task: LoadTask & { readonly transform: NonNullable<LoadTask['transform']> }): LoadTask {
  const { stages, inputs, handOff } = task.transform;
  return { ...task, transform: { input: handOff?.columns ?? task.transform.input, stages: stages.slice(handOff?.after ?? 0), ...(inputs ? { inputs } : {}) } };
}
