import type { LoadTask } from '@agent-etl/contracts';
import { identifier, printTransform } from '@agent-etl/sql-safety';
import type { ScannedFile } from '../port.ts';
import { type Duck, listOf, sql } from './duck-sql.ts';
import type { ReadPlan } from './file-options.ts';
import { selectFile } from './file-sql.ts';

type Travels = Pick<LoadTask, 'columns' | 'transform'>;
/** Columns of files that have to be read: those that travel, or those that the steps begin with. */
export const readColumns = ({ columns, transform }: Travels): readonly Pick<LoadTask['columns'][number], 'source' | 'target' | 'type'>[] =>
  transform?.input.map(({ name, type }) => ({ source: name, target: name, type })) ?? columns;

/** Columns as c0, c1, … with the type that travels: those of the files, or what the steps make of them. */
export function selectRows(files: readonly ScannedFile[], plan: ReadPlan, task: Travels): Duck {
  const { columns, transform } = task;
  const read = selectFile(files, plan, readColumns(task));
  if (!transform) return read;
  const { values, where } = printed(transform);
  const list = columns.map(({ source }, index) => sql`${values.find(({ name }) => name === source)?.value ?? sql`NULL`} AS ${identifier(`c${index}`)}`);
  return sql`SELECT ${listOf(list)} FROM (${read}) AS source${where ? sql` WHERE ${where}` : sql``}`;
}
/** Rows of files that the steps leave out, as a statement that counts them, or null where they leave none out. */
export function countLeftOut(files: readonly ScannedFile[], plan: ReadPlan, task: Travels): Duck | null {
  const where = task.transform ? printed(task.transform).where : null;
  return where && sql`SELECT count(*) AS n FROM (${selectFile(files, plan, readColumns(task))}) AS source WHERE (${where}) IS NOT TRUE`;
}
const printed = (transform: NonNullable<LoadTask['transform']>) =>
  printTransform('duckdb', transform, (name) => sql`${identifier(`c${transform.input.findIndex((column) => column.name === name)}`)}`);
