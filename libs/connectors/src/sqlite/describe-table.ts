import { type Column, EtlError, type Profile, canonicalJson, didYouMean } from '@agent-etl/contracts';
import { type SqlFragment, compile, joinSql, sqlFor } from '@agent-etl/sql-safety';
import { createHash } from 'node:crypto';
import type { SqliteDatabase } from './sqlite-database.ts';
import { NOTHING_SEEN, type Seen, typeOfSqlite } from './sqlite-types-rules.ts';
import { type Table, columnName, isReserved } from './table-name.ts';

const sql = sqlFor('sqlite');
/** @property hidden 0 plain, 2 generated, 3 generated and stored */
export interface Declared { readonly name: string; readonly type: string; readonly notnull: number; readonly dflt_value: string | null; readonly pk: number; readonly hidden: number }
/** @property rowid a name that reads it, null where there is none @property neverNull columns that hold no NULL @property primaryKey only where none of it may be NULL, which SQLite allows */
export interface TableFacts { readonly columns: readonly Declared[]; readonly rowid: string | null; readonly neverNull: readonly string[]; readonly primaryKey: string[] | null }

export const tableNames = (database: SqliteDatabase): string[] =>
  database.run<{ name: string }>(compile(sql`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' ORDER BY name`)).map(({ name }) => name).filter((name) => !isReserved(name));

/** The declared shape of a table, or null when there is none. Views and virtual tables are refused: reading one runs code of the file, which nothing could stop.
 * @throws EtlError `request.unsupported` */
export function describeTable(database: SqliteDatabase, { name }: Table): TableFacts | null {
  const [found] = database.run<{ type: string; wr: number }>(compile(sql`SELECT type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ${name} COLLATE NOCASE`));
  if (!found) return null;
  if (found.type !== 'table') throw new EtlError('request.unsupported', { found: `${name}, a ${found.type === 'view' ? 'view' : 'virtual table'} of SQLite`, allowed: 'a table', next: 'keep its rows in a table first: CREATE TABLE … AS SELECT' });
  const columns = database.run<Declared>(compile(sql`SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(${name}) WHERE hidden <> 1 ORDER BY cid`));
  const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk).map((column) => column.name);
  const neverNull = columns.filter((column) => column.notnull === 1 || isRowid(columns, column) || (found.wr === 1 && column.pk > 0)).map((column) => column.name);
  return { columns, neverNull, primaryKey: key.length && key.every((each) => neverNull.includes(each)) ? key : null, rowid: found.wr ? null : ['rowid', '_rowid_', 'oid'].find((each) => !columns.some((column) => column.name.toLowerCase() === each)) ?? null };
}
/** @throws EtlError `source.not-found` with the nearest names */
export function requireTable(database: SqliteDatabase, table: Table, connection: string): TableFacts {
  const facts = describeTable(database, table);
  if (facts) return facts;
  throw new EtlError('source.not-found', { connection, what: 'table', name: table.name, nearest: didYouMean(table.name, tableNames(database)) ?? `agent-etl datasets ${connection}` });
}
/** Digest of what is declared: rows that come and go change no shape. */
export const fingerprintOf = (columns: readonly Declared[]): string => createHash('sha256').update(canonicalJson(columns.map(({ name, type, notnull, pk }) => [name, type, notnull, pk]))).digest('hex');

/** Rows looked at from each end of a table: a few hundred milliseconds, in which the worker does nothing else. */
const SAMPLE = 5_000;
/** What the columns of a table hold, from the rows at both ends. @returns also how many rows that were, and their bytes */
export function lookAt(database: SqliteDatabase, table: Table, { columns, rowid }: TableFacts): { seen: Seen[]; rows: number; bytes: number } {
  const names = columns.map(({ name }) => sql`${columnName(name)}`);
  const counts = columns.flatMap(({ name }, index) => countsOf(sql`${columnName(name)}`).map((count, nth) => sql`${count} AS ${columnName(`c${index}_${nth}`)}`));
  const lengths = joinSql([sql`0`, ...names.map((name) => sql`coalesce(octet_length(${name}), 0)`)], sql` + `);
  const groups = Array.from({ length: Math.ceil(counts.length / COUNTS_AT_ONCE) }, (_, group) => counts.slice(group * COUNTS_AT_ONCE, (group + 1) * COUNTS_AT_ONCE));
  const halves = [sql``, ...(rowid === null ? [] : [sql` ORDER BY ${columnName(rowid)} DESC`])];
  const sums = halves.map((order) => Object.assign({}, ...[[sql`count(*) AS n, sum(${lengths}) AS bytes`], ...groups].map((list) => database.run<Record<string, number | null>>(compile(
    sql`SELECT ${joinSql(list, sql`, `)} FROM (SELECT ${joinSql(names, sql`, `)} FROM main.${table.quoted}${order} LIMIT ${SAMPLE})`))[0])) as Record<string, number | null>);
  const sum = (name: string): number => sums.reduce((all, row) => all + (row[name] ?? 0), 0);
  const seen = columns.map((_, index) => Object.fromEntries(Object.keys(NOTHING_SEEN).map((key, nth) => [key, sum(`c${index}_${nth}`)])) as unknown as Seen);
  return { seen, rows: sum('n'), bytes: sum('bytes') };
}
/** SQLite answers at most 2,000 columns. */
const COUNTS_AT_ONCE = 1_500;
/** One count for each member of `Seen`, in its order. */
function countsOf(c: SqlFragment<'sqlite'>): SqlFragment<'sqlite'>[] {
  const is = (storage: SqlFragment<'sqlite'>): SqlFragment<'sqlite'> => sql`sum(typeof(${c}) = ${storage})`;
  const text = (test: SqlFragment<'sqlite'>): SqlFragment<'sqlite'> => sql`sum(CASE WHEN typeof(${c}) = 'text' AND ${c} GLOB '[0-9i-]*' AND octet_length(${c}) < 40 THEN ${test} ELSE 0 END)`;
  return [
    is(sql`'integer'`), is(sql`'real'`), is(sql`'text'`), is(sql`'blob'`), sql`sum(typeof(${c}) = 'integer' AND ${c} IN (0, 1))`, sql`sum(typeof(${c}) = 'integer' AND abs(${c} / 2) > 4503599627370496)`,
    text(sql`etl_is('date', ${c})`), text(sql`etl_is('time', ${c})`), text(sql`etl_is('ts', ${c})`), text(sql`etl_is('tstz', ${c})`), sql`sum(CASE WHEN typeof(${c}) = 'text' THEN json_valid(${c}) ELSE 0 END)`,
  ];
}
export function columnsOf({ columns, neverNull }: TableFacts, seen: readonly Seen[]): Column[] {
  return columns.map(({ name, type, dflt_value, pk, hidden }, index) => ({
    name, ...typeOfSqlite(type, seen[index] ?? NOTHING_SEEN), nullable: !neverNull.includes(name),
    ...(hidden > 0 ? { filled: 'always' as const } : dflt_value !== null || isRowid(columns, { type, pk }) ? { filled: 'default' as const } : {}),
  }));
}
/** An INTEGER PRIMARY KEY is the rowid: SQLite counts it up by itself. */
const isRowid = (columns: readonly Declared[], { type, pk }: { type: string; pk: number }): boolean => pk > 0 && type.toUpperCase() === 'INTEGER' && columns.filter((column) => column.pk > 0).length === 1;

/** What hangs on a table and would go with it. */
export function dependentsOf(database: SqliteDatabase, { name }: Table): Profile['dependents'] {
  const [row] = database.run<{ keys: number; views: number }>(compile(sql`SELECT (SELECT count(*) FROM pragma_table_list AS t JOIN pragma_foreign_key_list(t.name) AS f WHERE t.schema = 'main' AND t.type = 'table' AND f."table" = ${name} COLLATE NOCASE) AS keys,
    (SELECT count(*) FROM main.sqlite_schema WHERE type = 'view' AND instr(lower(sql), lower(${name})) > 0) AS views`));
  return { views: row?.views ?? 0, foreignKeys: row?.keys ?? 0, policies: 0, grants: 0 };
}
/** Keys of indexes over plain columns. @property isSure unique over every row, and never NULL */
export function indexesOf(database: SqliteDatabase, { name }: Table, { neverNull }: TableFacts): { columns: string[]; isSure: boolean }[] {
  const rows = database.run<{ index_name: string; is_unique: number; partial: number; column_name: string | null }>(compile(sql`SELECT i.name AS index_name, i."unique" AS is_unique, i.partial AS partial, c.name AS column_name
    FROM pragma_index_list(${name}) AS i JOIN pragma_index_info(i.name) AS c WHERE i.origin <> 'pk' ORDER BY i.seq, c.seqno`));
  return [...Map.groupBy(rows, ({ index_name }) => index_name).values()].filter((parts) => parts.every(({ column_name }) => column_name !== null)).map((parts) => {
    const names = parts.map(({ column_name }) => column_name!);
    return { columns: names, isSure: parts[0]!.is_unique === 1 && parts[0]!.partial === 0 && names.every((each) => neverNull.includes(each)) };
  });
}
