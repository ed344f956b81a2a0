import type { Issue } from '@agent-etl/contracts';
import { type ReadPlan, allColumns } from './file-options.ts';

/** What a file shows now of the columns that were planned: each with its type, or `unknown` where nobody planned it. */
export const asPlanned = (names: readonly string[], { columns }: ReadPlan): string[] => names.map((name, index) => `${name} ${columns[index]?.duckType ?? 'unknown'}`);
/** Keys have no order: those that were planned, then those that are new. */
export function keysAsPlanned(names: readonly string[], { columns }: ReadPlan): string[] {
  const known = columns.filter(({ name }) => names.includes(name)).map(({ name, duckType }) => `${name} ${duckType}`);
  return [...known, ...names.filter((name) => !columns.some((column) => column.name === name)).map((name) => `${name} unknown`)];
}

/** How the columns of a file differ from those that were planned, or null. */
export function driftOf(plan: ReadPlan, found: readonly string[]): string | null {
  const planned = allColumns(plan).map(({ name, duckType }) => `${name} ${duckType}`);
  if (found.length === planned.length && found.every((column, index) => column === planned[index])) return null;
  const gone = planned.filter((column) => !found.includes(column));
  const added = found.filter((column) => !planned.includes(column));
  return [...gone.map((column) => `without ${column}`), ...added.map((column) => `with ${column.replace(/ unknown$/, '')}`)].join(', ') || 'the order of its columns';
}

/** The same, one issue for each column. What type a new one has is seen when the file is planned again. */
export function driftIssuesOf(plan: ReadPlan, found: readonly string[]): Issue[] {
  const planned = allColumns(plan).map(({ name, duckType }) => `${name} ${duckType}`);
  const nameOf = (column: string): string => column.slice(0, column.lastIndexOf(' '));
  const [gone, came] = [planned.filter((column) => !found.includes(column)), found.filter((column) => !planned.includes(column))];
  const changed = gone.filter((column) => came.some((other) => nameOf(other) === nameOf(column)));
  const issue = (is: string, column: string, text: string): Issue => ({ code: `drift.${is}`, path: `/columns/${nameOf(column)}`, text });
  return [
    ...gone.filter((column) => !changed.includes(column)).map((column) => issue('gone', column, `Column ${nameOf(column)} is gone: rows to come have no value for it.`)),
    ...changed.map((column) => issue('retyped', column, `Column ${nameOf(column)} has another type: a value may change its meaning.`)),
    ...came.filter((column) => !changed.some((other) => nameOf(other) === nameOf(column))).map((column) => issue('added', column, `Column ${nameOf(column)} came: safe to add, rows that are there have NULL.`))];
}
