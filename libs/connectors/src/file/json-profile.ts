import { EtlError, type ProfileNotice } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import { compile, identifier, literal } from '@agent-etl/sql-safety';
import { SAMPLE_ROWS, type TextProfile, countsOf } from './csv-profile.ts';
import { type CellCounts, countsFor, everyCount, noCells } from './csv-types-rules.ts';
import type { ScannedFile } from '../port.ts';
import { type Duck, FROM_FILE, listOf, literalText as text, sql } from './duck-sql.ts';
import type { JsonLayout } from './file-options.ts';
import { duckTypeOf } from './file-types-rules.ts';
import { pointerTo } from './json-raw-rules.ts';
import { profiledCells, readObjects, recordProblem } from './json-sql.ts';
import { type JsonCounts, noticeOf, typeOfJson } from './json-types-rules.ts';
import { refusedRecord } from './refused-record.ts';
import type { TextHead } from './text-head.ts';

/** As many as a table of the usual server takes. */
const MOST_COLUMNS = 1_600;
const FIRST_ROWS = 2_000;

interface Looked { readonly files: readonly ScannedFile[]; readonly dataset: string; readonly layout: JsonLayout; readonly head: TextHead;
  /** What cannot be read is passed over: it will be set aside. */
  readonly bad?: 'aside' }
const sampleOf = ({ files, layout, head, bad }: Looked, rows = SAMPLE_ROWS): Duck => sql`SELECT json AS record, ${identifier(FROM_FILE)} AS path FROM ${readObjects(files.map(({ path }) => path), layout, bad ? 'passed-over' : 'refused')}
  ${bad ? sql`WHERE json_type(json) = 'OBJECT' AND len(list_distinct(json_keys(json))) = len(json_keys(json))` : sql``} ${head.size === 'small' && rows === SAMPLE_ROWS ? sql`` : sql`LIMIT ${literal('duckdb', rows)}`}`;

/** Every key of the sample, in the order in which they turn up; the sample is always the same rows, since one thread reads it.
 * @throws EtlError `data.format-invalid` with the row, `profile.unusable` */
export async function keysOf(duck: DuckChild, looked: Looked): Promise<string[]> {
  const { dataset } = looked;
  const sets = sql`SELECT keys, min("row") AS "first", bool_or(CASE WHEN len(keys) = 0 THEN json_type(record) <> 'OBJECT' ELSE false END) AS "isOdd"
    FROM (SELECT row_number() OVER () AS "row", record, json_keys(record) AS keys FROM (${sampleOf(looked)}) AS sample) AS numbered GROUP BY keys`;
  const found = await duck.query(compile(sql`WITH sets AS MATERIALIZED (${sets}) (SELECT NULL AS name, "first" AS "at" FROM sets WHERE "isOdd" OR len(list_distinct(keys)) <> len(keys) LIMIT 1)
    UNION ALL (SELECT name, min("at") FROM (SELECT unnest(keys) AS name, "first" * 10000 + generate_subscripts(keys, 1) AS "at" FROM sets) AS named GROUP BY name ORDER BY 2 LIMIT ${literal('duckdb', MOST_COLUMNS + 1)})`));
  if (found.some(({ name }) => name === null)) throw await firstOdd(duck, looked);
  const names = found.toSorted((a, b) => Number(a['at']) - Number(b['at'])).map(({ name }) => String(name));
  if (!names.length) throw new EtlError('profile.unusable', { dataset, what: 'columns: it holds no object with a key', hint: 'write at least one object' });
  if (names.length > MOST_COLUMNS) throw new EtlError('profile.unusable', { dataset, what: `columns: its objects have more than ${MOST_COLUMNS} different keys`, hint: 'write keys that are data into values' });
  const odd = names.find((name) => name === '' || name.includes('\0'));
  if (odd !== undefined) throw new EtlError('data.format-invalid', { file: dataset, format: looked.layout.format, place: 'a key', problem: odd === '' ? 'it is the empty text' : 'it holds NUL' });
  return names;
}

/** Which record is none, or has a key twice: a second pass that only a failure pays for. */
async function firstOdd(duck: DuckChild, looked: Looked): Promise<EtlError> {
  const numbered = sql`SELECT row_number() OVER () AS "row", path, record, json_keys(record) AS keys FROM (${sampleOf(looked)}) AS sample`;
  const [bad = {}] = await duck.query(compile(sql`SELECT "row", path, ${recordProblem(sql`record`, sql`keys`, null)} AS problem, CAST(to_json(keys) AS VARCHAR) AS keys FROM (${numbered}) AS numbered WHERE problem IS NOT NULL ORDER BY "row" LIMIT 1`));
  const file = looked.files.find(({ path }) => path === bad['path']);
  return file && looked.files.length > 1 ? firstOdd(duck, { ...looked, dataset: file.name, files: [file] }) : refusedRecord(looked, bad);
}

/** Looks at the objects of a file and proposes a type for each key.
 * @throws EtlError `data.format-invalid` with the row, `profile.unusable` */
export async function profileJson(duck: DuckChild, looked: Looked & { readonly bytes: number }): Promise<TextProfile & { notices: ProfileNotice[] }> {
  const { layout, head, bytes } = looked;
  const names = await keysOf(duck, looked);
  const first = await countAll(duck, looked, { names, asked: names.map(() => everyCount), rows: FIRST_ROWS });
  const { rows, bytesRead, counts } = first.rows < FIRST_ROWS ? first : await countAll(duck, looked, { names, asked: first.counts.map(askedAfter), rows: SAMPLE_ROWS });
  const columns = names.map((name, index) => ({ name, duckType: duckTypeOf(typeOfJson(counts[index] ?? none)) }));
  const notices = names.flatMap((name, index) => noticeOf(name, counts[index] ?? none) ?? []);
  const rowsExact = head.size === 'small' || rows < SAMPLE_ROWS;
  const estimate = Math.round((bytes * rows) / Math.max(bytesRead, 1));
  return { plan: { ...layout, columns }, notices, rows: rowsExact ? rows : Math.max(rows, layout.compression === 'none' ? estimate : Math.round(bytes / head.lineBytes)), rowsExact };
}

const none: JsonCounts = { strings: 0, numbers: 0, bools: 0, nested: 0, nonFinite: 0, like: noCells };
/** What the long pass asks of a key, after the first rows: whatever else turns up makes it text. */
function askedAfter(counts: JsonCounts): (keyof CellCounts)[] {
  if (counts.numbers > 0) return countsFor({ kind: 'i64' });
  return counts.strings + counts.bools + counts.nested === 0 ? everyCount : countsFor(typeOfJson(counts));
}

const KINDS: Readonly<Record<Exclude<keyof JsonCounts, 'like'>, (kind: Duck, cell: Duck) => Duck>> = {
  strings: (kind) => sql`${kind} = 'VARCHAR'`, numbers: (kind) => sql`${kind} IN ('UBIGINT', 'BIGINT', 'DOUBLE')`, bools: (kind) => sql`${kind} = 'BOOLEAN'`,
  nested: (kind) => sql`${kind} IN ('OBJECT', 'ARRAY')`, nonFinite: (kind, cell) => sql`${kind} = 'VARCHAR' AND ${cell} IN ('NaN', 'Infinity', '-Infinity')`,
};
const kindNames = Object.keys(KINDS) as (keyof typeof KINDS)[];

interface Asked { readonly names: readonly string[]; readonly asked: readonly (readonly (keyof CellCounts)[])[]; readonly rows: number }
async function countAll(duck: DuckChild, looked: Looked, { names, asked, rows }: Asked): Promise<{ rows: number; bytesRead: number; counts: JsonCounts[] }> {
  const pointers = sql`[${listOf(names.map((name) => text(pointerTo(name))))}]`;
  const records = sql`SELECT record, json_extract_string(record, ${pointers}) AS cells FROM (${sampleOf(looked, rows)}) AS sample`;
  const cells = profiledCells(names).map((cell, index) => sql`${cell} AS ${identifier(`c${index}`)}`);
  const counts = names.flatMap((_, index) => countsAt(index, asked[index] ?? []));
  const [row = {}] = await duck.query(compile(sql`SELECT ${listOf([sql`count(*) AS "rows"`, sql`coalesce(sum(bytes + 1), 0) AS bytes`, ...counts])}
    FROM (SELECT ${listOf([...cells, sql`json_type(record, ${pointers}) AS kinds`, sql`strlen(record) AS bytes`])} FROM (${records}) AS records) AS cells`));
  const at = (key: string): number => Number(row[key] ?? 0);
  const like = (index: number): CellCounts => ({ ...noCells, ...Object.fromEntries(everyCount.map((key) => [key, at(`${key}${index}`)])) });
  return {
    rows: at('rows'), bytesRead: at('bytes'),
    counts: names.map((_, index) => ({ ...none, ...Object.fromEntries(kindNames.map((key) => [key, at(`json_${key}${index}`)])), like: like(index) })),
  };
}

function countsAt(index: number, asked: readonly (keyof CellCounts)[]): Duck[] {
  const [kind, cell] = [sql`kinds[${literal('duckdb', index + 1)}]`, sql`${identifier(`c${index}`)}`];
  const counts = countsOf(cell);
  return [
    ...kindNames.map((key) => sql`count(*) FILTER (${KINDS[key](kind, cell)}) AS ${identifier(`json_${key}${index}`)}`),
    ...asked.map((key) => sql`${counts[key]} AS ${identifier(`${key}${index}`)}`),
  ];
}
