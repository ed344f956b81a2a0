import { EtlError } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import { compile } from '@agent-etl/sql-safety';
import { literalText as text, pathsOf, sql } from './duck-sql.ts';
import type { FileColumn } from './file-options.ts';
import type { SourceFile } from './source-files.ts';
import { otherColumns } from './text-files.ts';

const described = async (duck: DuckChild, path: string): Promise<FileColumn[]> =>
  (await duck.query(compile(sql`DESCRIBE SELECT * FROM read_parquet(${text(path)}, hive_partitioning = false)`))).map((row) => ({ name: String(row['column_name']), duckType: String(row['column_type']) }));

/** Names and types of Parquet files, and their rows, from their footers.
 * @throws EtlError `data.format-invalid` with the file whose columns are not those of the first */
export async function readParquetShape(duck: DuckChild, files: readonly SourceFile[]): Promise<{ columns: FileColumn[]; rows: number }> {
  const [first] = files;
  if (!first) throw new TypeError('a dataset has one file at least');
  const columns = await described(duck, first.path);
  if (files.length > 1) await refuseOthers(duck, { files, first, columns });
  const [count] = await duck.query(compile(sql`SELECT CAST(coalesce(sum(num_rows), 0) AS BIGINT) AS "rows" FROM parquet_file_metadata(${pathsOf(files.map(({ path }) => path))})`));
  await refuseOtherCounts(duck, files);
  return { columns, rows: Number(count?.['rows'] ?? 0) };
}
/** A footer counts its rows twice, as a whole and by group: one of them is a lie where they differ. */
async function refuseOtherCounts(duck: DuckChild, files: readonly SourceFile[]): Promise<void> {
  const paths = pathsOf(files.map(({ path }) => path));
  const groups = sql`SELECT file_name, sum(n) AS n FROM (SELECT DISTINCT file_name, row_group_id, row_group_num_rows AS n FROM parquet_metadata(${paths})) AS groups GROUP BY file_name`;
  const [odd] = await duck.query(compile(sql`SELECT f.file_name AS path FROM parquet_file_metadata(${paths}) AS f LEFT JOIN (${groups}) AS g ON g.file_name = f.file_name WHERE f.num_rows <> coalesce(g.n, 0) LIMIT 1`));
  const file = odd && files.find(({ path }) => path === String(odd['path']));
  if (file) throw new EtlError('data.format-invalid', { file: file.name, format: 'parquet', place: 'its metadata', problem: 'it counts other rows than its groups' });
}

/** One query over all footers; only files that differ in one are looked at by themselves. */
async function refuseOthers(duck: DuckChild, about: { files: readonly SourceFile[]; first: SourceFile; columns: readonly FileColumn[] }): Promise<void> {
  const { files, first, columns } = about;
  const shapes = sql`SELECT file_name, list(concat_ws('|', name, type, type_length, num_children, converted_type, scale, precision, logical_type) ORDER BY column_id) FILTER (column_id > 0) AS shape
    FROM parquet_schema(${pathsOf(files.map(({ path }) => path))}) GROUP BY file_name`;
  const odd = await duck.query(compile(sql`WITH shapes AS (${shapes}) SELECT file_name FROM shapes WHERE shape IS DISTINCT FROM (SELECT shape FROM shapes WHERE file_name = ${text(first.path)}) ORDER BY file_name LIMIT 100`));
  for (const row of odd) {
    const file = files.find(({ path }) => path === String(row['file_name']));
    const found = file ? await described(duck, file.path) : [];
    const shown = (list: readonly FileColumn[]) => list.map(({ name, duckType }) => `${name} ${duckType}`);
    const [wanted, there] = [shown(columns), shown(found)];
    if (file && there.join('\n') !== wanted.join('\n')) throw otherColumns(file.name, 'parquet', { first: first.name, gone: wanted.filter((each) => !there.includes(each)), added: there.filter((each) => !wanted.includes(each)) });
  }
}
