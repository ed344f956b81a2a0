import type { LoadTask } from '@agent-etl/contracts';
import { type PrintedCombining, type PrintedTransform, identifier, printTransform } from '@agent-etl/sql-safety';
import type { ScannedFile } from '../port.ts';
import { type Duck, listOf, sql } from './duck-sql.ts';
import type { ReadPlan } from './file-options.ts';
import { selectFile } from './file-sql.ts';

type Travels = Pick<LoadTask, 'columns' | 'transform'>;
/** Columns of files that have to be read: those that travel, or those that the steps begin with. */
export const readColumns = ({ columns, transform }: Travels): readonly Pick<LoadTask['columns'][number], 'source' | 'target' | 'type'>[] =>
  transform?.input.map(({ name, type }) => ({ source: name, target: name, type })) ?? columns;

/** Files that steps read beside those of the source, and how. */
export interface OtherFiles { readonly files: readonly ScannedFile[]; readonly plan: ReadPlan }
/** What a statement reads: the files of the source, then in their order those of the other inputs of its steps. */
export interface ReadFiles extends OtherFiles { readonly others?: readonly OtherFiles[] | undefined }
type Steps = NonNullable<LoadTask['transform']>;

const nthOf = (columns: Steps['input'], from: 'source' | 'other') => (name: string): Duck => sql`${identifier(from)}.${identifier(`c${columns.findIndex((column) => column.name === name)}`)}`;
function printed(transform: Steps, read: Duck, others: readonly OtherFiles[] = []): PrintedTransform<'duckdb'> {
  return printTransform('duckdb', transform, {
    from: sql`(${read}) AS source`, column: nthOf(transform.input, 'source'),
    inputs: (transform.inputs ?? []).flatMap(({ columns }, index) => {
      const other = others[index];
      return other ? [{ from: sql`(${selectFile(other.files, other.plan, columns.map(({ name, type }) => ({ source: name, type })))}) AS other`, column: nthOf(columns, 'other') }] : [];
    }) });
}

/** Columns as c0, c1, … with the type that travels: those of the files, or what the steps make of them. */
export function selectRows({ files, plan, others }: ReadFiles, task: Travels): Duck {
  const { columns, transform } = task;
  const read = selectFile(files, plan, readColumns(task));
  if (!transform) return read;
  const { rows, names } = printed(transform, read, others);
  return sql`SELECT ${listOf(columns.map(({ source }, index) => sql`${identifier(`c${names.indexOf(source)}`)} AS ${identifier(`c${index}`)}`))} FROM (${rows}) AS stages`;
}
type Stepped = Travels & { readonly transform: Steps };
/** A statement that counts the rows that the steps see and those that their filters keep. */
export const reachingOf = ({ files, plan, others }: ReadFiles, task: Stepped): Duck => printed(task.transform, selectFile(files, plan, readColumns(task)), others).reaching;
/** Statements that count what each join and union does. */
export const combiningOf = ({ files, plan, others }: ReadFiles, task: Stepped): readonly PrintedCombining<'duckdb'>[] => printed(task.transform, selectFile(files, plan, readColumns(task)), others).combining;
