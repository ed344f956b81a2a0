import type { ColumnMapping, ColumnType, LoadTask, OtherInput } from '@agent-etl/contracts';
import { duckTypeOf } from '../file/file-types-rules.ts';
import { otherTask } from '../hand-off/part-tasks-rules.ts';

/** Kinds that Spark has no type for: they pass through it as their text. */
const AS_TEXT: readonly ColumnType['kind'][] = ['uuid', 'json', 'time', 'other'];
/** The DuckDB type whose Parquet both engines read as the logical type. */
export const stagedType = (type: ColumnType): string => (AS_TEXT.includes(type.kind) ? 'VARCHAR' : duckTypeOf(type));

/** Columns as they are, as c0, c1, … */
const stagedColumns = (columns: OtherInput['columns']): ColumnMapping[] =>
  columns.map(({ name, type, native, nullable }, index) => ({ source: name, target: `c${index}`, type, sourceNative: native, targetNative: stagedType(type), nullable }));
/** The tasks that stage the source of another and the datasets beside it, without any step. */
export function stagingTasks(task: LoadTask): readonly LoadTask[] {
  const { transform, judging: _judging, level: _level, sample: _sample, cursor: _cursor, slice: _slice, ...rest } = task;
  if (!transform) throw new TypeError('a task without steps');
  const first: LoadTask = { ...rest, engine: 'duckdb', carrier: 'text', columns: stagedColumns(transform.input), digest: 'text-md5', chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: rest.chunks.targetBytes } };
  return [first, ...(transform.inputs ?? []).map((input) => ({ ...otherTask(task, input), columns: stagedColumns(input.columns) }))];
}
/** The task as the reader of what Spark wrote sees it: its columns stand there as c0, c1, …, computed. */
export function computedTask(task: LoadTask): LoadTask {
  const { transform: _transform, ...rest } = task;
  return { ...rest, columns: task.columns.map((column, index) => ({ ...column, source: `c${index}` })) };
}
