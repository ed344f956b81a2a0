import type { ColumnMapping } from '@agent-etl/contracts';
import { identifier } from '@agent-etl/sql-safety';
import { strictCast } from './csv-cell-sql.ts';
import { type Duck, cast, listOf, nth, pathsOf, sql } from './duck-sql.ts';
import type { FileFormat } from './file-format-rules.ts';
import { dialectOf, layoutOf } from './file-options.ts';
import { besideFolders, carried, fromHex, readCsv, selectFile } from './file-sql.ts';
import { jsonCells } from './json-sql.ts';
import { splitBy } from './partitioned-copy.ts';

/** A file that a load has written below the folders of its partition. */
export interface WrittenPart { readonly path: string; readonly values: readonly (string | null)[] }
export interface Partitioned { readonly columns: readonly ColumnMapping[]; readonly by: readonly string[]; readonly format: FileFormat }

/** All columns as c0, c1, … of files that we wrote ourselves, those among them that their folders name. */
export function selectParts(parts: readonly WrittenPart[], { columns, by, format }: Partitioned): Duck {
  const { kept, named } = splitBy(columns, by);
  if (format.format === 'parquet') {
    const typed = (each: readonly ColumnMapping[]) => each.map(({ target, targetNative }) => ({ name: target, duckType: targetNative }));
    return selectFile(parts.map((part) => ({ ...part, name: part.path })), { format: 'parquet', columns: typed(kept), partitions: typed(named) }, columns.map(({ target, type }) => ({ source: target, type })));
  }
  const values = columns.map((column, index) => {
    const { target, type } = column;
    const at = kept.indexOf(column);
    // Behind the columns of the files are the file and its path.
    const value = at < 0 ? strictCast(cast(nth(kept.length + 2 + named.indexOf(column)), 'VARCHAR'), target, type) : type.kind === 'bytes' ? fromHex(nth(at)) : cast(nth(at), carried(type));
    return sql`${value} AS ${identifier(`c${index}`)}`;
  });
  return sql`SELECT ${listOf(values)} FROM ${besideFolders(rowsOf(parts, kept, format), parts, named.length)}`;
}
function rowsOf(parts: readonly WrittenPart[], kept: readonly ColumnMapping[], format: FileFormat): Duck {
  const paths = parts.map(({ path }) => path);
  if (format.format === 'csv') return readCsv(paths, dialectOf(format), kept.map(({ type }) => carried(type)));
  return jsonCells(paths, { layout: layoutOf(format), columns: kept.map(({ target }) => ({ name: target })), types: kept.map(({ type }) => type), others: 'refused' });
}
