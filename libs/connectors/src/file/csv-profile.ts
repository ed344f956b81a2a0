import { EtlError } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import { compile, identifier, literal } from '@agent-etl/sql-safety';
import { cellPattern } from './csv-cell-sql.ts';
import { columnNames, detectDelimiter, hasHeader, splitRecords } from './csv-dialect-rules.ts';
import { type CellCounts, countsFor, everyCount, noCells, typeOfCells } from './csv-types-rules.ts';
import { type Duck, listOf, sql } from './duck-sql.ts';
import type { FileFormat } from './file-format-rules.ts';
import type { CsvDialect, TextPlan } from './file-options.ts';
import { readCsv } from './file-sql.ts';
import { duckTypeOf } from './file-types-rules.ts';
import type { TextHead } from './text-head.ts';

export const SAMPLE_ROWS = 200_000;
const FIRST_ROWS = 2_000;
const FIRST_OF_WIDE = 200;
/** As of a file of objects, and as a table of PostgreSQL may have. */
const MOST_COLUMNS = 1_600;

/** The names and the dialect that the head of a file shows. */
export interface CsvShape { readonly dialect: CsvDialect; readonly names: readonly string[] }

/** Reads the head of a CSV. The names stay true while the file keeps its shape: a run looks again and compares.
 * @param known dialect of an earlier look, kept as it is
 * @throws EtlError `data.format-invalid`, `profile.unusable` */
export function shapeOfCsv(dataset: string, head: TextHead, how: { format: FileFormat; known?: CsvDialect }): CsvShape {
  const { format, known } = how;
  const delim = known?.delim ?? detectDelimiter(head.text, format, head);
  const records = splitRecords(head.text, delim, head);
  const [first] = records;
  if (head.isWhole === 'whole' && records.every((cells) => cells.every((cell) => cell === ''))) throw new EtlError('profile.unusable', { dataset, what: `first line: the file ${records.length ? 'holds only blank lines' : 'is empty'}`, hint: 'write a line with the names of the columns' });
  if (!first) throw new EtlError('data.format-invalid', { file: dataset, format: 'csv', place: 'line 1', problem: 'the line does not end, or a quote is not closed' });
  if (first.length > MOST_COLUMNS) throw new EtlError('profile.unusable', { dataset, what: `columns: it has ${first.length}, and ${MOST_COLUMNS} are the most that are read`, hint: 'write rows in place of columns' });
  const header = known?.header ?? (hasHeader(first) ? 'true' : 'false');
  return { dialect: { delim, quote: '"', escape: '"', header, compression: format.compression }, names: columnNames(first, header) };
}

/** What a look at a text file says of it. */
export interface TextProfile { readonly plan: TextPlan; readonly rows: number; readonly rowsExact: boolean }

/** Counts what the cells look like and proposes types; reading the sample also proves that its rows have one shape. The first rows say what a column may
 * be, so that the long pass asks each column only about that.
 * @throws EtlError `data.format-invalid` with the line */
export async function profileCsv(duck: DuckChild, paths: readonly string[], about: { shape: CsvShape; head: TextHead; bytes: number; bad?: 'aside' }): Promise<TextProfile> {
  const { shape: { dialect, names }, head, bytes, bad } = about;
  const isSmall = head.size === 'small';
  const all = readCsv(paths, { ...dialect, unread: bad ? 'kept-apart' : 'refused' }, names.map(() => 'VARCHAR'));
  const firstRows = names.length < WIDE ? FIRST_ROWS : FIRST_OF_WIDE;
  const first = await countAll(duck, sql`SELECT * FROM ${all} LIMIT ${literal('duckdb', firstRows)}`, names.map(() => everyCount));
  const asked = first.columns.map((counts) => (counts.cells === 0 && names.length >= WIDE ? everyCount : countsFor(typeOfCells(counts))));
  const full = first.rows < firstRows ? first
    : await countAll(duck, isSmall ? sql`SELECT * FROM ${all}` : sql`SELECT * FROM ${all} LIMIT ${literal('duckdb', SAMPLE_ROWS)}`, asked);
  const columns = names.map((name, index) => ({ name, duckType: duckTypeOf(typeOfCells(full.columns[index] ?? noCells)) }));
  const rowsExact = isSmall || full.rows < SAMPLE_ROWS;
  return { plan: { format: 'csv', dialect, columns }, rows: rowsExact ? full.rows : Math.max(full.rows, Math.round(bytes / head.lineBytes)), rowsExact };
}

type Asked = readonly (readonly (keyof CellCounts)[])[];
interface Counted { readonly rows: number; readonly columns: CellCounts[] }
/** From here on the planning of counts, which grows with the square of the columns, costs more than a row of a wide file for each of its cells. */
const WIDE = 60;
const countAll = (duck: DuckChild, sample: Duck, asked: Asked): Promise<Counted> => (asked.length < WIDE ? countBeside(duck, sample, asked) : countBelow(duck, sample, asked));

/** Columns whose cells one statement lays below each other: a sample is held in memory. */
const MOST_BELOW = 250;
/** Cells one below the other, each with the place of its column: a statement for columns that are asked the same. */
async function countBelow(duck: DuckChild, sample: Duck, asked: Asked): Promise<Counted> {
  const columns: CellCounts[] = asked.map(() => noCells);
  let rows = 0;
  const alike = [...Map.groupBy(asked.keys(), (place) => asked[place]!.join()).values()];
  const parts = alike.flatMap((places) => Array.from({ length: Math.ceil(places.length / MOST_BELOW) }, (_, part) => places.slice(part * MOST_BELOW, (part + 1) * MOST_BELOW)));
  for (const places of parts) {
    const keys = asked[places[0]!]!;
    const counts = countsOf(sql`cell`);
    const cells = sql`SELECT unnest([${listOf(places.map((place) => sql`${identifier(`c${place}`)}`))}]) AS cell, unnest(range(${literal('duckdb', places.length)})) AS nth FROM (${sample}) AS sample`;
    for (const row of await duck.query(compile(sql`SELECT ${listOf([sql`nth`, sql`count(*) AS "rows"`, ...keys.map((key) => sql`${counts[key]} AS ${identifier(key)}`)])} FROM (${cells}) AS cells GROUP BY nth`))) {
      rows = Number(row['rows']);
      columns[places[Number(row['nth'])]!] = { ...noCells, ...Object.fromEntries(keys.map((key) => [key, Number(row[key] ?? 0)])) };
    }
  }
  return { rows, columns };
}
/** Counts that one statement takes: the time to plan it grows with the square of them, and a little with every column of the file. So a wide file is read several times. */
const atOnce = (columns: number): number => Math.min(300, Math.max(100, columns));
async function countBeside(duck: DuckChild, sample: Duck, asked: Asked): Promise<Counted> {
  const counts = asked.flatMap((keys, index) => keys.map((key) => sql`${countsOf(sql`${identifier(`c${index}`)}`)[key]} AS ${identifier(`${key}${index}`)}`));
  const row: Record<string, unknown> = {};
  const most = atOnce(asked.length);
  for (let at = 0; at === 0 || at < counts.length; at += most) {
    Object.assign(row, (await duck.query(compile(sql`SELECT ${listOf([sql`count(*) AS "rows"`, ...counts.slice(at, at + most)])} FROM (${sample}) AS sample`)))[0]);
  }
  const columns = asked.map((keys, index) => ({ ...noCells, ...Object.fromEntries(keys.map((key) => [key, Number(row[`${key}${index}`] ?? 0)])) }));
  return { rows: Number(row['rows'] ?? 0), columns };
}

const matches = (cell: Duck, kind: 'i64' | 'f64' | 'bool' | 'date' | 'time' | 'ts' | 'tstz'): Duck => sql`regexp_full_match(${cell}, ${literal('duckdb', cellPattern({ kind }) ?? '.*')})`;
const counted = (condition: Duck): Duck => sql`count(*) FILTER (${condition})`;
/** What a cheap look settles is not asked again at full price: a branch of CASE is computed only for its own rows, the sides of AND and OR for all. */
const unless = (cheap: Duck, answer: 'TRUE' | 'FALSE', dear: Duck): Duck => sql`CASE WHEN ${cheap} THEN ${answer === 'TRUE' ? sql`TRUE` : sql`FALSE`} ELSE ${dear} END`;

/** The digits of a number that count, however its exponent is spelled. */
const digits = (number: Duck): Duck => sql`rtrim(ltrim(replace(ltrim(split_part(lower(${number}), 'e', 1), '+-'), '.', ''), '0'), '0')`;

/** Every count of a column of texts, as an aggregate. What is said of digits holds for numbers; of other texts it means nothing. */
export function countsOf(cell: Duck): Record<keyof CellCounts, Duck> {
  const plain = sql`CASE WHEN ${cell} >= '.' THEN ${cell} ELSE ltrim(${cell}, '+-') END`;
  const printed = sql`CAST(TRY_CAST(${cell} AS DOUBLE) AS VARCHAR)`;
  const startsHigh = sql`${cell} >= '1' AND ${cell} < ':'`;
  return {
    cells: sql`count(${cell})`, integers: counted(matches(cell, 'i64')), numbers: counted(unless(matches(cell, 'i64'), 'TRUE', matches(cell, 'f64'))),
    bools: counted(matches(cell, 'bool')), dates: counted(matches(cell, 'date')), times: counted(matches(cell, 'time')),
    stamps: counted(unless(matches(cell, 'date'), 'TRUE', matches(cell, 'ts'))), zoned: counted(matches(cell, 'tstz')),
    zeroLed: counted(unless(startsHigh, 'FALSE', sql`regexp_matches(${cell}, '^[+-]*0[0-9]')`)),
    exactFloats: counted(unless(sql`strlen(${cell}) <= 16`, 'TRUE', sql`${digits(cell)} = ${digits(printed)}`)),
    wholeDigits: sql`coalesce(max(CASE WHEN contains(${cell}, '.') THEN instr(${plain}, '.') - 1 ELSE length(${plain}) END), 0)`,
    fractionDigits: sql`coalesce(max(CASE WHEN contains(${cell}, '.') THEN length(${plain}) - instr(${plain}, '.') ELSE 0 END), 0)`,
    exponents: counted(sql`contains(${cell}, 'e') OR contains(${cell}, 'E') OR contains(${cell}, 'n') OR contains(${cell}, 'N')`),
  };
}
