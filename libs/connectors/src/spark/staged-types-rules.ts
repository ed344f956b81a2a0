import type { ColumnMapping, ColumnType, LoadTask } from '@agent-etl/contracts';
import { duckTypeOf } from '../file/file-types-rules.ts';

/** Kinds that Spark has no type for: they pass through it as their text. */
const AS_TEXT: readonly ColumnType['kind'][] = ['uuid', 'json', 'time', 'other'];
/** The DuckDB type whose Parquet both engines read as the logical type. */
export const stagedType = (type: ColumnType): string => (AS_TEXT.includes(type.kind) ? 'VARCHAR' : duckTypeOf(type));

/** The task that stages the source of another: its columns as they are, c0, c1, …, without its steps. */
export function stagingTask(task: LoadTask, carrier: LoadTask['carrier']): LoadTask {
  const { transform, judging: _judging, level: _level, sample: _sample, cursor: _cursor, slice: _slice, ...rest } = task;
  if (!transform) throw new TypeError('a task without steps');
  const columns = transform.input.map(({ name, type, native, nullable }, index): ColumnMapping => ({ source: name, target: `c${index}`, type, sourceNative: native, targetNative: stagedType(type), nullable }));
  return { ...rest, engine: 'duckdb', carrier, columns, digest: 'text-md5', chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: rest.chunks.targetBytes } };
}
/** The task as the reader of what Spark wrote sees it: its columns stand there as c0, c1, …, computed. */
export function computedTask(task: LoadTask): LoadTask {
  const { transform: _transform, ...rest } = task;
  return { ...rest, columns: task.columns.map((column, index) => ({ ...column, source: `c${index}` })) };
}
