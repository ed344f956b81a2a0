import type { ColumnType } from '@agent-etl/contracts';
import { identifier } from '../ident/identifier.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import type { DigestColumn } from './digest-column.ts';
import { exactDouble, exactOfParts, withParts } from './exact-double.ts';

/** What a server keeps its texts in; lengths and hashes are those of UTF-8. */
type Encoding = 'utf8' | 'other';
const pg = sqlFor('postgres');
const duck = sqlFor('duckdb');

/** One value as text, the same in every engine, NULL where the value is NULL. Texts carry their length in bytes, so that no two rows share a text. */
function postgresText({ name, type: { kind } }: DigestColumn, encoding: Encoding): SqlFragment<'postgres'> {
  const c = identifier(name);
  const length = (value: SqlFragment<'postgres'>): SqlFragment<'postgres'> => (encoding === 'utf8' ? pg`octet_length(${value})` : pg`octet_length(convert_to(${value}, 'UTF8'))`);
  switch (kind) {
    case 'bool': return pg`CASE WHEN ${c} THEN 't' WHEN NOT ${c} THEN 'f' END`;
    case 'i16': case 'i32': case 'i64': case 'dec': case 'uuid': return pg`${c}::text`;
    case 'f32': case 'f64': return exactDouble('postgres', pg`${c}::double precision`);
    case 'bytes': return pg`encode(${c}, 'hex')`;
    case 'date': return pg`CASE WHEN isfinite(${c}) THEN (${c} - DATE '1970-01-01')::text WHEN ${c} > DATE '2000-01-01' THEN 'inf' ELSE CASE WHEN ${c} IS NOT NULL THEN '-inf' END END`;
    case 'time': return pg`(extract(epoch FROM ${c}) * 1000000)::bigint::text`;
    case 'ts': case 'tstz': return pg`CASE WHEN isfinite(${c}) THEN (extract(epoch FROM ${c}) * 1000000)::bigint::text WHEN ${c} > TIMESTAMP '2000-01-01' THEN 'inf' ELSE CASE WHEN ${c} IS NOT NULL THEN '-inf' END END`;
    case 'text': return pg`${length(pg`${c}`)} || ':' || ${c}`;
    case 'json': case 'other': return pg`${length(pg`${c}::text`)} || ':' || ${c}::text`;
  }
}
function duckText({ name, type: { kind, precision, scale = 0 } }: DigestColumn): SqlFragment<'duckdb'> {
  const c = identifier(name);
  // DuckDB spells a decimal that is all fraction without its zero: .50.
  if (kind === 'dec' && precision !== undefined && precision <= scale) return duck`regexp_replace(CAST(${c} AS VARCHAR), '^(-?)[.]', '\\10.')`;
  switch (kind) {
    case 'bool': return duck`CASE WHEN ${c} THEN 't' WHEN NOT ${c} THEN 'f' END`;
    case 'i16': case 'i32': case 'i64': case 'dec': case 'uuid': return duck`CAST(${c} AS VARCHAR)`;
    case 'f32': case 'f64': return exactDouble('duckdb', duck`CAST(${c} AS DOUBLE)`);
    case 'bytes': return duck`lower(hex(${c}))`;
    case 'date': return duck`CASE WHEN isfinite(${c}) THEN CAST(date_diff('day', DATE '1970-01-01', ${c}) AS VARCHAR) WHEN ${c} > DATE '2000-01-01' THEN 'inf' ELSE CASE WHEN ${c} IS NOT NULL THEN '-inf' END END`;
    case 'time': return duck`CAST(epoch_us(${c}) AS VARCHAR)`;
    case 'ts': case 'tstz': return duck`CASE WHEN isfinite(${c}) THEN CAST(epoch_us(${c}) AS VARCHAR) WHEN ${c} > TIMESTAMP '2000-01-01' THEN 'inf' ELSE CASE WHEN ${c} IS NOT NULL THEN '-inf' END END`;
    case 'text': case 'json': case 'other': return duck`strlen(CAST(${c} AS VARCHAR)) || ':' || ${c}`;
  }
}
/** The row as one text: key and values with commas between, `~` for NULL. */
const postgresRow = (columns: readonly DigestColumn[], key: string, encoding: Encoding): SqlFragment<'postgres'> => {
  const row = joinSql([literal('postgres', key), ...columns.map((column) => pg`coalesce(${postgresText(column, encoding)}, '~')`)], pg` || ',' || `);
  return encoding === 'utf8' ? row : pg`convert_to(${row}, 'UTF8')`;
};
/** DuckDB takes no expression that is nested a thousand deep, as a chain of five hundred columns is: a wide row is joined of groups. */
const GROUP = 64;
const duckJoined = (cells: readonly SqlFragment<'duckdb'>[]): SqlFragment<'duckdb'> => {
  const comma = duck` || ',' || `;
  if (cells.length <= GROUP) return joinSql([...cells], comma);
  return joinSql(Array.from({ length: Math.ceil(cells.length / GROUP) }, (_, nth) => duck`(${joinSql(cells.slice(nth * GROUP, (nth + 1) * GROUP), comma)})`), comma);
};
const duckRow = (columns: readonly DigestColumn[], key: string): SqlFragment<'duckdb'> =>
  duckJoined([literal('duckdb', key), ...columns.map((column) => duck`coalesce(${duckText(column)}, '~')`)]);

const postgresSums = (h: SqlFragment<'postgres'>): SqlFragment<'postgres'> => pg`count(*) AS n,
  coalesce(sum(('x' || substring(${h}, 1, 15))::bit(60)::bigint), 0)::text AS a, coalesce(sum(('x' || substring(${h}, 16, 15))::bit(60)::bigint), 0)::text AS b`;
const duckSums = (h: SqlFragment<'duckdb'>): SqlFragment<'duckdb'> => duck`count(*) AS n,
  CAST(coalesce(sum(CAST('0x' || substring(${h}, 1, 15) AS BIGINT)), 0) AS VARCHAR) AS a, CAST(coalesce(sum(CAST('0x' || substring(${h}, 16, 15) AS BIGINT)), 0) AS VARCHAR) AS b`;

/** The select list `n, a, b` of the digest over the rows it stands on: count and two additive lanes of 60 bits of md5 over the row text.
 * Order-free, and digests of parts add up. Equal in every dialect for equal rows of equal logical types.
 * @param key comes first in every row's text; without a comma */
export function rowDigest<D extends 'postgres' | 'duckdb'>(dialect: D, columns: readonly DigestColumn[], key: string): SqlFragment<D> {
  const fragment = dialect === 'postgres' ? postgresSums(pg`md5(${postgresRow(columns, key, 'utf8')})`) : duckSums(duck`md5(${duckRow(columns, key)})`);
  return fragment as SqlFragment<D>;
}
const isDouble = ({ type: { kind } }: DigestColumn): boolean => kind === 'f32' || kind === 'f64';
/** The same as a whole query over a DuckDB relation or parenthesised query: each row is hashed once, and what its doubles are made of is computed step by step. */
export function duckDigest(columns: readonly DigestColumn[], key: string, from: SqlFragment<'duckdb'>): SqlFragment<'duckdb'> {
  const cells = columns.map((column) => duck`coalesce(${isDouble(column) ? exactOfParts(column.name) : duckText(column)}, '~')`);
  return duck`SELECT ${duckSums(duck`h`)} FROM (SELECT md5(${duckJoined([literal('duckdb', key), ...cells])}) AS h FROM ${withParts(columns.filter(isDouble).map(({ name }) => name), from)}) AS hashed`;
}
/** How many digits of a key's hash name its bucket: 4,096 buckets. */
const BUCKET_DIGITS = 3;
/** What to ask of rows that differ: sums of each bucket of keys, or the rows of some buckets, each with its key as a JSON list of texts and the hash of all its values.
 * @param keys positions of the key in the columns */
export interface Differing { readonly columns: readonly DigestColumn[]; readonly keys: readonly number[]; readonly key: string; readonly of: 'buckets' | { readonly buckets: readonly string[]; readonly limit: number } }
const chosen = ({ columns, keys }: Differing): DigestColumn[] => keys.map((index) => columns[index]!);

/** Over a Postgres relation or parenthesised query. Columns `bucket, n, a, b`, or `k, h`. */
export function postgresDiffering(ask: Differing, { from, encoding }: { from: SqlFragment<'postgres'>; encoding: Encoding }): SqlFragment<'postgres'> {
  const { columns, key, of } = ask;
  const bucket = pg`substring(md5(${postgresRow(chosen(ask), key, encoding)}), 1, ${literal('postgres', BUCKET_DIGITS)})`;
  const hashed = pg`(SELECT ${bucket} AS bucket, md5(${postgresRow(columns, key, encoding)}) AS h, array_to_json(ARRAY[${joinSql(chosen(ask).map(({ name }) => pg`${identifier(name)}::text`), pg`, `)}])::text AS k FROM ${from} OFFSET 0) AS hashed`;
  if (of === 'buckets') return pg`SELECT bucket, ${postgresSums(pg`h`)} FROM ${hashed} GROUP BY bucket`;
  return pg`SELECT k, h FROM ${hashed} WHERE bucket IN (${joinSql(of.buckets.map((name) => literal('postgres', name)), pg`, `)}) LIMIT ${literal('postgres', of.limit)}`;
}
/** The same over a DuckDB relation or parenthesised query. */
export function duckDiffering(ask: Differing, from: SqlFragment<'duckdb'>): SqlFragment<'duckdb'> {
  const { columns, key, of } = ask;
  const bucket = duck`substring(md5(${duckRow(chosen(ask), key)}), 1, ${literal('duckdb', BUCKET_DIGITS)})`;
  const hashed = duck`(SELECT ${bucket} AS bucket, md5(${duckRow(columns, key)}) AS h, CAST(to_json([${joinSql(chosen(ask).map(({ name }) => duck`CAST(${identifier(name)} AS VARCHAR)`), duck`, `)}]) AS VARCHAR) AS k FROM ${from}) AS hashed`;
  if (of === 'buckets') return duck`SELECT bucket, ${duckSums(duck`h`)} FROM ${hashed} GROUP BY bucket`;
  return duck`SELECT k, h FROM ${hashed} WHERE bucket IN (${joinSql(of.buckets.map((name) => literal('duckdb', name)), duck`, `)}) LIMIT ${literal('duckdb', of.limit)}`;
}
/** The whole query over a Postgres relation or parenthesised query. The fence of OFFSET 0 keeps the planner from computing each md5 twice. */
export const postgresDigest = (columns: readonly DigestColumn[], key: string, { from, encoding }: { from: SqlFragment<'postgres'>; encoding: Encoding }): SqlFragment<'postgres'> =>
  pg`SELECT ${postgresSums(pg`h`)} FROM (SELECT md5(${postgresRow(columns, key, encoding)}) AS h FROM ${from} OFFSET 0) AS hashed`;

/** Which rows a sample takes: those whose key falls into one of these of the 4,096 buckets.
 * @param keys positions of the key in the columns
 * @param by md5 where the other end is no PostgreSQL */
export interface SampledRows { readonly columns: readonly DigestColumn[]; readonly keys: readonly number[]; readonly key: string; readonly buckets: readonly number[]; readonly by?: 'md5' | undefined }
/** Kinds whose text is ASCII in every encoding of a server. */
const ascii: readonly ColumnType['kind'][] = ['bool', 'i16', 'i32', 'i64', 'dec', 'uuid', 'date', 'time', 'ts', 'tstz', 'bytes'];

/** Sums of the sampled rows by bucket, `bucket, n, a, b`, over a Postgres relation or parenthesised query. Only rows of the sample are hashed whole. Where the text of a key is the same in every
 * encoding, its bucket is that of `hashtextextended`, for a third of the cost of md5; two servers of unlike byte order would need the latter. */
export function postgresSampled({ columns, keys, key, buckets, by }: SampledRows, { from, encoding }: { from: SqlFragment<'postgres'>; encoding: Encoding }): SqlFragment<'postgres'> {
  const named = keys.map((index) => columns[index]!);
  const isAscii = by !== 'md5' && named.every(({ type }) => ascii.includes(type.kind));
  const bucket = isAscii ? pg`(hashtextextended((${postgresRow(named, key, 'utf8')}) COLLATE "C", 0) & 4095)::int` : pg`('x' || substring(md5(${postgresRow(named, key, encoding)}), 1, 3))::bit(12)::int`;
  const chosen = joinSql(buckets.map((each) => literal('postgres', each)), pg`, `);
  return pg`SELECT bucket, ${postgresSums(pg`h`)} FROM (SELECT ${bucket} AS bucket, md5(${postgresRow(columns, key, encoding)}) AS h FROM ${from} WHERE ${bucket} IN (${chosen}) OFFSET 0) AS hashed GROUP BY bucket`;
}
/** The same over a DuckDB relation or parenthesised query, by md5. */
export function duckSampled({ columns, keys, key, buckets }: SampledRows, from: SqlFragment<'duckdb'>): SqlFragment<'duckdb'> {
  const bucket = duck`CAST('0x' || substring(md5(${duckRow(keys.map((index) => columns[index]!), key)}), 1, ${literal('duckdb', BUCKET_DIGITS)}) AS INTEGER)`;
  const chosen = joinSql(buckets.map((each) => literal('duckdb', each)), duck`, `);
  return duck`SELECT bucket, ${duckSums(duck`h`)} FROM (SELECT bucket, md5(${duckRow(columns, key)}) AS h FROM (SELECT *, ${bucket} AS bucket FROM ${from}) AS keyed WHERE bucket IN (${chosen})) AS hashed GROUP BY bucket`;
}
