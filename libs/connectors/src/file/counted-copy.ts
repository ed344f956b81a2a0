import { type Transform, leavesOut } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import { compile, keysOf } from '@agent-etl/sql-safety';
import type { Reached } from '../port.ts';
import { type Duck, sql } from './duck-sql.ts';
import { passedRows } from './passed-rows-rules.ts';

/** Whether rows are counted by the engine as they pass: its plan is asked for, and a plan shows the keys of masks. */
export const isCountedOnTheWay = (transform: Transform): boolean => leavesOut(transform) && !keysOf(transform).length;
/** A COPY of what steps make of text files, and the rows on their way as its own operators counted them: to count them by another statement would read the files twice. */
export async function countedCopy(duck: DuckChild, copy: Duck, { transform, signal }: { readonly transform: Transform; readonly signal: AbortSignal }): Promise<{ readonly written: number; readonly reached: Reached | null }> {
  const [row] = await duck.query(compile(sql`EXPLAIN (ANALYZE, FORMAT JSON) ${copy}`), signal);
  return passedRows(row?.['explain_value'], transform.stages);
}
