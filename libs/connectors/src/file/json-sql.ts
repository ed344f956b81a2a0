import type { ColumnMapping, ColumnType } from '@agent-etl/contracts';
import { identifier, joinSql, literal } from '@agent-etl/sql-safety';
import { type Duck, FROM_FILE, listOf, literalText as text, pathsOf, sql } from './duck-sql.ts';
import type { FileColumn, JsonLayout } from './file-options.ts';
import { pointerTo, rawValueAt } from './json-raw-rules.ts';

/** Longest object: a text of 16 MB passes, also when half of its letters are escaped. */
export const MOST_BYTES = 32 * 1024 * 1024;

/** The objects of files, each as the text that stands there, in the column `json`. */
export const readObjects = (paths: readonly string[], { format, compression }: JsonLayout, unread: 'refused' | 'passed-over' = 'refused'): Duck =>
  sql`read_json_objects(${pathsOf(paths)}, format = ${text(format === 'json' ? 'array' : 'newline_delimited')}, compression = ${text(compression === 'none' ? 'uncompressed' : compression)}, hive_partitioning = false, maximum_object_size = ${literal('duckdb', MOST_BYTES)}, filename = ${text(FROM_FILE)}${unread === 'passed-over' && format !== 'json' ? sql`, ignore_errors = true` : sql``})`;

const listed = (values: readonly string[]): Duck => sql`[${listOf(values.map(text))}]`;

/** What is wrong with a record, or NULL: `keys` is the list of its keys. */
export const recordProblem = (record: Duck, keys: Duck, known: readonly string[] | null): Duck => sql`CASE
  WHEN json_type(${record}) <> 'OBJECT' THEN 'no object'
  WHEN len(list_distinct(${keys})) <> len(${keys}) THEN 'duplicate key'
  ${known ? sql`WHEN NOT list_has_all(${listed(known)}, ${keys}) THEN 'unknown key'` : sql``} END`;

/** Whether the text of a value has to stay as it is, digit for digit. */
const keepsText = ({ kind }: ColumnType): boolean => kind === 'text' || kind === 'json' || kind === 'other' || kind === 'dec';
const LOSES_TEXT = String.raw`^(-?[0-9]+[.eE]|[\[{])`;

/** The value at a key as text, exact. DuckDB's own text serves where it is certain to be the one in the file. */
function exactly(cell: Duck, name: string): Duck {
  const raw = sql`nullif(regexp_extract(record, ${text(rawValueAt(name))}, 1), '')`;
  const other = sql`CASE WHEN json_type(record, ${text(pointerTo(name))}) = 'VARCHAR' THEN ${cell} ELSE error('JSON record refused: too deep') END`;
  return sql`CASE WHEN regexp_matches(${cell}, ${text(LOSES_TEXT)}) THEN coalesce(${raw}, ${other}) ELSE ${cell} END`;
}

/** What a profile looks at, over a relation with a `record` and the `cells` that DuckDB found at its keys. A number that stands in the record as DuckDB says it has lost nothing. */
export const profiledCells = (names: readonly string[]): Duck[] => names.map((name, index) => {
  const cell = sql`cells[${literal('duckdb', index + 1)}]`;
  const stands = [',', '}', ' ', '\n', '\r'].map((end) => sql`contains(record, ${cell} || ${text(end)})`);
  return sql`CASE WHEN regexp_matches(${cell}, '^-?[0-9]+[.eE]') AND NOT (${joinSql(stands, sql` OR `)}) THEN ${exactly(cell, name)} ELSE ${cell} END`;
});

/** What is read of a file of objects.
 * @property types logical type of each column, or null where text is kept whatever it becomes
 * @property others keys that no column has: refused, or nobody's business because columns were chosen
 * @property problems where it is given, rows also have their `record` and its `problem`: what would end the statement, or said of the row */
export interface JsonReading { readonly layout: JsonLayout; readonly columns: readonly Pick<FileColumn, 'name'>[]; readonly types: readonly (ColumnType | null)[]; readonly others: 'refused' | 'ignored'; readonly problems?: 'refused' | 'said' }

/** Lines of a file as texts:  parts nothing, since no JSON holds it. A line that is no JSON keeps its text. */
const readLines = (paths: readonly string[], { compression }: JsonLayout): Duck => sql`(SELECT CASE WHEN json_valid(line) THEN CAST(line AS JSON) END AS json, line, ${identifier(FROM_FILE)}
  FROM read_csv(${pathsOf(paths)}, auto_detect = false, header = false, delim = ${text('\x01')}, quote = '', escape = '', strict_mode = false, hive_partitioning = false, compression = ${text(compression)},
    max_line_size = ${literal('duckdb', MOST_BYTES)}, buffer_size = ${literal('duckdb', 2 * MOST_BYTES)}, columns = {'line': 'VARCHAR'}, filename = ${text(FROM_FILE)}, store_rejects = true) WHERE trim(line) <> '')`;

/** The cells of files of objects as texts, in the order of their columns, and last the file a row is from: a text without its quotes, a number, `true`, or the JSON of what is nested. A key that is missing, and null, are NULL. */
export function jsonCells(paths: readonly string[], { layout, columns, types, others, problems }: JsonReading): Duck {
  const names = columns.map(({ name }) => name);
  const cells = names.map((name, index) => {
    const cell = sql`cells[${literal('duckdb', index + 1)}]`;
    const type = types[index] ?? null;
    return sql`${type === null || keepsText(type) ? exactly(cell, name) : cell} AS ${identifier(`c${index}`)}`;
  });
  const problem = recordProblem(sql`record`, sql`keys`, others === 'refused' ? names : null);
  const line = problems === 'said' ? (layout.format === 'ndjson' ? sql`line, ` : sql`CAST(NULL AS VARCHAR) AS line, `) : sql``;
  const records = sql`SELECT ${line}json AS record, json_extract_string(json, ${listed(names.map(pointerTo))}) AS cells, json_keys(json) AS keys, ${identifier(FROM_FILE)} FROM ${problems === 'said' && layout.format === 'ndjson' ? readLines(paths, layout) : readObjects(paths, layout)}`;
  if (problems === 'said') return sql`(SELECT ${listOf([...cells, sql`${identifier(FROM_FILE)}`, sql`coalesce(CAST(record AS VARCHAR), line) AS record`, sql`CASE WHEN keys = ${listed(names)} THEN NULL WHEN record IS NULL THEN 'no object' ELSE ${problem} END AS problem`])} FROM (${records}) AS records)`;
  const also = problems ? [sql`record`, sql`NULL AS problem`] : [];
  return sql`(SELECT ${listOf([...cells, sql`${identifier(FROM_FILE)}`, ...also])} FROM (${records}) AS records WHERE CASE WHEN keys = ${listed(names)} THEN true ELSE coalesce(error('JSON record refused: ' || ${problem}), true) END)`;
}

/** The types that the columns of a file are read as, by position; a column that does not travel keeps nothing. */
export const typesInFile = (columns: readonly Pick<FileColumn, 'name'>[], mapped: readonly Pick<ColumnMapping, 'source' | 'type'>[]): ColumnType[] =>
  columns.map(({ name }) => mapped.find(({ source }) => source === name)?.type ?? { kind: 'bool' });
