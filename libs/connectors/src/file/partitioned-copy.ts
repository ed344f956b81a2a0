import type { ColumnMapping, ColumnType } from '@agent-etl/contracts';
import { identifier, joinSql, literal } from '@agent-etl/sql-safety';
import { isRefused, refusal } from './csv-cell-sql.ts';
import { type Duck, cast, listOf, literalText as text, sql } from './duck-sql.ts';

/** Name of the column that says which partition a row belongs to, while it is written: no column of a file has this name. */
export const PARTITION = 'agent-etl: partition of the row';
/** Longest name of a partition under way: a file system takes 255 bytes, and the name of the column stands before it. */
const LONGEST = 200;
type Travelling = Pick<ColumnMapping, 'target' | 'type'>;

/** The text of a value that names a folder, as `strictCast` reads it again; another that it would refuse ends the statement. */
function valueText(cell: Duck, { target, type }: Travelling): Duck {
  const plain = type.kind === 'dec' ? sql`regexp_replace(CAST(${cell} AS VARCHAR), '^(-?)[.]', '\\10.')` : cast(cell, 'VARCHAR');
  return sql`CASE WHEN ${isRefused(plain, type)} OR strlen(${plain}) > ${literal('duckdb', LONGEST)} THEN ${refusal(cell, target, 'NAME OF A FOLDER')} ELSE ${plain} END`;
}
/** Which partition a row belongs to: one text for all its values, in letters that neither a folder nor DuckDB spells otherwise. */
function keyOf(values: readonly { readonly cell: Duck; readonly column: Travelling }[]): Duck {
  const parts = values.map(({ cell, column }) => sql`CASE WHEN ${cell} IS NULL THEN '' ELSE 'v' || translate(base64(encode(${valueText(cell, column)})), '+/=', '-_~') END`);
  const [first] = values;
  const key = joinSql(parts, sql` || '.' || `);
  return sql`CASE WHEN strlen(${key}) > ${literal('duckdb', LONGEST)} THEN ${refusal(first?.cell ?? sql`''`, first?.column.target ?? '', 'NAME OF A FOLDER')} ELSE ${key} END`;
}

/** Where the columns of a task go: into the files, or into the names of the folders. */
export interface Split<C> { readonly kept: readonly C[]; readonly named: readonly C[] }
/** @param by names of the columns that name folders, in the order of the folders */
export function splitBy<C extends { readonly target: string }>(columns: readonly C[], by: readonly string[]): Split<C> {
  return { kept: columns.filter(({ target }) => !by.includes(target)), named: by.flatMap((name) => columns.filter(({ target }) => target === name)) };
}

/** The rows c0, c1, … of a task as those that go into the files, c0, c1, … anew, and behind them the partition of each. */
export function withPartition<C extends Travelling & { readonly type: ColumnType }>(from: Duck, columns: readonly C[], { kept, named }: Split<C>): Duck {
  const at = (column: C): Duck => sql`${identifier(`c${columns.indexOf(column)}`)}`;
  const key = keyOf(named.map((column) => ({ cell: at(column), column })));
  return sql`SELECT ${listOf([...kept.map((column, index) => sql`${at(column)} AS ${identifier(`c${index}`)}`), sql`${key} AS ${identifier(PARTITION)}`])} FROM (${from}) AS rows`;
}
/** What a COPY selects and says besides, for one file or for a folder of files by the partition of their rows. DuckDB keeps 100 files open: of a partition that comes again later there is a further one. */
export interface WrittenAs { readonly also: Duck; readonly how: Duck }
export const ONE_FILE: WrittenAs = { also: sql``, how: sql`USE_TMP_FILE false` };
export const BY_PARTITION: WrittenAs = { also: sql`, ${identifier(PARTITION)}`, how: sql`PARTITION_BY (${identifier(PARTITION)}), WRITE_PARTITION_COLUMNS false, FILENAME_PATTERN ${text('rows-{i}')}` };
