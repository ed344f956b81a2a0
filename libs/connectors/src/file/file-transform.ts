import type { LoadTask } from '@agent-etl/contracts';
import { type PrintedTransform, identifier, printTransform } from '@agent-etl/sql-safety';
import type { ScannedFile } from '../port.ts';
import { type Duck, listOf, sql } from './duck-sql.ts';
import type { ReadPlan } from './file-options.ts';
import { selectFile } from './file-sql.ts';

type Travels = Pick<LoadTask, 'columns' | 'transform'>;
/** Columns of files that have to be read: those that travel, or those that the steps begin with. */
export const readColumns = ({ columns, transform }: Travels): readonly Pick<LoadTask['columns'][number], 'source' | 'target' | 'type'>[] =>
  transform?.input.map(({ name, type }) => ({ source: name, target: name, type })) ?? columns;

const printed = (transform: NonNullable<LoadTask['transform']>, read: Duck): PrintedTransform<'duckdb'> => printTransform('duckdb', transform, {
  from: sql`(${read}) AS source`, column: (name) => sql`source.${identifier(`c${transform.input.findIndex((column) => column.name === name)}`)}` });

/** Columns as c0, c1, … with the type that travels: those of the files, or what the steps make of them. */
export function selectRows(files: readonly ScannedFile[], plan: ReadPlan, task: Travels): Duck {
  const { columns, transform } = task;
  const read = selectFile(files, plan, readColumns(task));
  if (!transform) return read;
  const { rows, names } = printed(transform, read);
  return sql`SELECT ${listOf(columns.map(({ source }, index) => sql`${identifier(`c${names.indexOf(source)}`)} AS ${identifier(`c${index}`)}`))} FROM (${rows}) AS stages`;
}
/** A statement that counts the rows that the steps see and those that their filters keep. */
export const reachingOf = (files: readonly ScannedFile[], plan: ReadPlan, task: Travels & { readonly transform: NonNullable<LoadTask['transform']> }): Duck => printed(task.transform, selectFile(files, plan, readColumns(task))).reaching;
