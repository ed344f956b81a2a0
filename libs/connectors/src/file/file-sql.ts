import { type ColumnMapping, type ColumnType, EtlError } from '@agent-etl/contracts';
import { identifier, literal } from '@agent-etl/sql-safety';
import { refusal, strictCast } from './csv-cell-sql.ts';
import type { ScannedFile } from '../port.ts';
import { type Duck, FROM_FILE, cast, listOf, literalText as text, nth, pathsOf, sql } from './duck-sql.ts';
import type { CsvDialect, FileColumn, JsonLayout, ReadPlan, TextPlan } from './file-options.ts';
import { duckTypeOf, isNested } from './file-types-rules.ts';
import { floatText } from './float-sql.ts';
import { jsonCells, typesInFile } from './json-sql.ts';

/** Longest line of a CSV and the buffer that holds it: a cell of 16 MB still passes. */
export const MAX_LINE = 16 * 1024 * 1024;
const BUFFER = 2 * MAX_LINE;

const csvColumns = (duckTypes: readonly string[]): Duck => listOf(duckTypes.map((duckType, index) => sql`${text(`c${index}`)}: ${text(duckType)}`));

/** Lines that are no rows: they end the statement, or the engine keeps them in a table of its own. */
export type Unread = 'refused' | 'kept-apart';
const KEPT_APART = sql`, store_rejects = true`;
const NAMED = sql`, filename = ${text(FROM_FILE)}`;
/** CSV files by their paths with the given types in their order, named c0, c1, …, and last the file a row is from; nothing is guessed. An unquoted empty cell is NULL, a quoted one is the empty text. */
export function readCsv(paths: readonly string[], dialect: CsvDialect & { readonly unread?: Unread }, duckTypes: readonly string[]): Duck {
  return sql`read_csv(${pathsOf(paths)}, auto_detect = false, header = ${text(dialect.header)}, delim = ${text(dialect.delim)}, quote = ${text(dialect.quote)},
    escape = ${text(dialect.escape)}, nullstr = '', allow_quoted_nulls = false, null_padding = false, strict_mode = true, hive_partitioning = false, compression = ${text(dialect.compression)},
    max_line_size = ${literal('duckdb', MAX_LINE)}, buffer_size = ${literal('duckdb', BUFFER)}, columns = {${csvColumns(duckTypes)}}${NAMED}${dialect.unread === 'kept-apart' ? KEPT_APART : sql``})`;
}

type Mapped = Pick<ColumnMapping, 'source' | 'type'>;
/** judged: records also with their text and what is wrong with them, NULL where that ends the statement; judged-aside: nothing ends it. */
export type Reading = 'plain' | 'judged' | 'judged-aside';
/** A path alone as the files of a source. */
export const alone = (path: string): readonly ScannedFile[] => [{ name: path, path, values: [] }];

/** @property mapped columns that travel; without them every cell keeps its text */
export interface Asked { readonly mapped?: readonly Mapped[]; readonly as?: Reading; readonly numbered?: 'by-the-file' | undefined }
/** Whether the file itself says where a row stands, whoever reads it when: then several threads may. */
export const isNumbered = (files: readonly unknown[], { format, columns }: ReadPlan): boolean => format === 'parquet' && files.length === 1 && !columns.some(({ name }) => name.toLowerCase() === FILE_NUMBER);
export const FILE_NUMBER = 'file_row_number';
/** The cells of text files as texts, in the order of their columns, and last the file a row is from. */
export function readCells(paths: readonly string[], plan: TextPlan, { mapped, as = 'plain' }: Asked = {}): Duck {
  if (plan.format === 'csv') return readCsv(paths, { ...plan.dialect, unread: as === 'judged-aside' ? 'kept-apart' : 'refused' }, plan.columns.map(() => 'VARCHAR'));
  const types = mapped ? typesInFile(plan.columns, mapped) : plan.columns.map(() => null);
  const isChosen = mapped !== undefined && plan.columns.some(({ name }) => !mapped.some(({ source }) => source === name));
  return jsonCells(paths, { layout: plan, columns: plan.columns, types, others: isChosen ? 'ignored' : 'refused', ...(as === 'plain' ? {} : { problems: as === 'judged-aside' ? 'said' : 'refused' }) });
}

/** The rows of files, with what the folders say behind them. */
export function readRows(files: readonly ScannedFile[], plan: ReadPlan, asked: Asked = {}): Duck {
  const paths = files.map(({ path }) => path);
  const rows = plan.format === 'parquet' ? sql`read_parquet(${pathsOf(paths)}, hive_partitioning = false${NAMED}${asked.numbered ? sql`, file_row_number = true` : sql``})` : readCells(paths, plan, asked);
  if (!plan.partitions?.length) return rows;
  return besideFolders(rows, files, plan.partitions.length);
}
/** Rows of files with what the folders say of their file behind them: its path, then the values. */
export function besideFolders(rows: Duck, files: readonly Pick<ScannedFile, 'path' | 'values'>[], named: number): Duck {
  const parts = files.map(({ path, values }) => sql`(${listOf([text(path), ...values.map((value) => literal('duckdb', value))])})`);
  return sql`${rows} AS data JOIN (VALUES ${listOf(parts)}) AS parts(${listOf([sql`path`, ...Array.from({ length: named }, (_, index) => sql`${identifier(`p${index}`)}`)])}) ON data.${identifier(FROM_FILE)} = parts.path`;
}
/** Where a column of files or folders stands in their rows, or null. Behind the columns of the files are the file and its path. */
export function cellOf({ columns, partitions = [] }: ReadPlan, name: string): { cell: Duck; from: 'file' | 'folder'; column: FileColumn } | null {
  const at = columns.findIndex((column) => column.name === name);
  const column = columns[at];
  if (column) return { cell: nth(at), from: 'file', column };
  const part = partitions.findIndex((each) => each.name === name);
  const partition = partitions[part];
  return partition ? { cell: cast(nth(columns.length + 2 + part), 'VARCHAR'), from: 'folder', column: partition } : null;
}

/** Columns as c0, c1, … with the type that travels, from files. */
export function selectFile(files: readonly ScannedFile[], plan: ReadPlan, columns: readonly Mapped[]): Duck {
  const values = columns.map(({ source, type }, index) => {
    const found = cellOf(plan, source);
    if (!found) throw new EtlError('plan.stale');
    const value = plan.format === 'parquet' && found.from === 'file' ? travelling(found.cell, found.column, type) : strictCast(found.cell, source, type);
    return sql`${value} AS ${identifier(`c${index}`)}`;
  });
  return sql`SELECT ${listOf(values)} FROM ${readRows(files, plan, { mapped: columns })}`;
}

/** A column of a Parquet file as the type that travels, without loss. */
function travelling(cell: Duck, { name, duckType }: FileColumn, type: ColumnType): Duck {
  if (isNested(duckType)) return sql`CAST(to_json(${cell}) AS VARCHAR)`;
  const wanted = type.kind === 'json' ? 'VARCHAR' : duckTypeOf(type);
  if (duckType === wanted) return cell;
  return duckType === 'TIMESTAMP_NS' ? sql`CASE WHEN ${hasNanoseconds(cell)} THEN ${refusal(cell, name, wanted)} ELSE ${cast(cell, wanted)} END` : cast(cell, wanted);
}
/** Whether a time of a Parquet file would lose something on its way: microseconds are what travels. */
export const hasNanoseconds = (cell: Duck): Duck => sql`epoch_ns(${cell}) % 1000 <> 0`;

/** What a CSV stream of ours is read as; bytes and JSON come as text. */
export const carried = (type: ColumnType): string => (type.kind === 'bytes' || type.kind === 'json' ? 'VARCHAR' : duckTypeOf(type));
const STREAM: CsvDialect = { delim: ',', quote: '"', escape: '"', header: 'false', compression: 'none' };
export const fromHex = (cell: Duck): Duck => sql`from_hex(substring(${cell}, 3))`;

/** Columns as c0, c1, … from a CSV that we wrote ourselves: the text carrier, or a staged file. */
export function selectStream(path: string, columns: readonly { readonly type: ColumnType }[], dialect: CsvDialect = STREAM): Duck {
  const values = columns.map(({ type }, index) => {
    const cell = sql`${identifier(`c${index}`)}`;
    return sql`${type.kind === 'bytes' ? fromHex(cell) : cell} AS ${identifier(`c${index}`)}`;
  });
  const read = readCsv([path], dialect, columns.map(({ type }) => carried(type)));
  return sql`SELECT ${listOf(values)} FROM ${read}`;
}

/** Columns as c0, c1, … from a file of objects that we wrote ourselves. */
export function selectObjects(path: string, columns: readonly { readonly target: string; readonly type: ColumnType }[], layout: JsonLayout): Duck {
  const values = columns.map(({ type }, index) => sql`${type.kind === 'bytes' ? fromHex(nth(index)) : cast(nth(index), carried(type))} AS ${identifier(`c${index}`)}`);
  const names = columns.map(({ target }) => ({ name: target }));
  return sql`SELECT ${listOf(values)} FROM ${jsonCells([path], { layout, columns: names, types: columns.map(({ type }) => type), others: 'refused' })}`;
}

/** A travelling value as CSV text that Postgres and this connector read back to the same value. */
function asText(cell: Duck, { kind }: ColumnType): Duck {
  if (kind === 'bytes') return sql`'\\x' || lower(hex(${cell}))`;
  return kind === 'f64' || kind === 'f32' ? floatText(cell, kind) : cell;
}

const SQL_NAME_BYTES = 63;
/** A select list with the names of a file. Names longer than SQL takes come out of a struct, whose keys are plain texts. */
function named(values: readonly Duck[], names: readonly string[]): Duck {
  if (names.every((name) => Buffer.byteLength(name) <= SQL_NAME_BYTES)) return listOf(values.map((value, index) => sql`${value} AS ${identifier(names[index] ?? '')}`));
  return sql`unnest({${listOf(values.map((value, index) => sql`${text(names[index] ?? '')}: ${value}`))}})`;
}

/** COPY of the travelling columns as CSV. */
export function copyCsv(from: Duck, columns: readonly { readonly target: string; readonly type: ColumnType }[], to: { readonly path: string; readonly dialect?: CsvDialect }): Duck {
  const { path, dialect = STREAM } = to;
  const values = columns.map(({ type }, index) => asText(sql`${identifier(`c${index}`)}`, type));
  const names = columns.map(({ target }, index) => (dialect.header === 'true' ? target : `c${index}`));
  return sql`COPY (SELECT ${named(values, names)} FROM (${from}) AS rows) TO ${text(path)} (FORMAT csv, HEADER ${text(dialect.header)}, DELIMITER ${text(dialect.delim)}, QUOTE '"', ESCAPE '"',
    NULLSTR '', COMPRESSION ${text(dialect.compression)}, ${dialect.header === 'true' ? sql`USE_TMP_FILE false` : sql`FORCE_QUOTE *`})`;
}

/** The text carrier of judged rows: before the columns what is said of each row. */
export function copyJudged(from: Duck, columns: readonly { readonly type: ColumnType }[], path: string): Duck {
  const values = columns.map(({ type }, index) => sql`${asText(sql`${identifier(`c${index}`)}`, type)} AS ${identifier(`c${index}`)}`);
  return sql`COPY (SELECT ${listOf([sql`judged`, ...values])} FROM (${from}) AS rows) TO ${text(path)} (FORMAT csv, HEADER false, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR '', FORCE_QUOTE *)`;
}

/** Most bytes of a row group as it is held before it is written: without it the engine holds 122,880 rows a thread, however wide. */
const ROW_GROUP = '16MB';
/** COPY of the travelling columns as Parquet. */
export function copyParquet(from: Duck, columns: readonly Pick<ColumnMapping, 'target' | 'targetNative'>[], path: string): Duck {
  const values = columns.map(({ targetNative }, index) => cast(sql`${identifier(`c${index}`)}`, targetNative));
  return sql`COPY (SELECT ${named(values, columns.map(({ target }) => target))} FROM (${from}) AS rows) TO ${text(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE_BYTES ${text(ROW_GROUP)}, USE_TMP_FILE false)`;
}
