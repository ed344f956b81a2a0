import { EtlError } from '@agent-etl/contracts';
import { type DuckChild, asUtf8 } from '@agent-etl/engines';
import { compile, identifier, literal } from '@agent-etl/sql-safety';
import { promisify } from 'node:util';
import { constants, gunzip } from 'node:zlib';
import { cellPattern } from './csv-cell-sql.ts';
import { columnNames, detectDelimiter, hasHeader, splitRecords } from './csv-dialect-rules.ts';
import { type CellCounts, countsFor, everyCount, noCells, typeOfCells } from './csv-types-rules.ts';
import type { Ends } from './file-folder.ts';
import { type FileFormat, lineOfNul } from './file-format-rules.ts';
import type { CsvDialect, ReadPlan } from './file-options.ts';
import { type Duck, listOf, readCsv, sql } from './file-sql.ts';
import { duckTypeOf } from './file-types-rules.ts';

/** Files up to this size are read whole when they are profiled; of larger ones the first rows. */
const WHOLE_BYTES = 32 * 1024 * 1024;
const SAMPLE_ROWS = 200_000;
const FIRST_ROWS = 2_000;
/** Unpacks to 16 MB at most, whatever it holds. */
const PACKED_HEAD = 16 * 1024;

/** The names and the dialect that the head of a file shows, and its bytes per line as they lie on disk. */
export interface CsvShape { readonly dialect: CsvDialect; readonly names: readonly string[]; readonly rowBytes: number }

/** Reads the head of a CSV. The names stay true while the file keeps its shape: a run looks again and compares.
 * @param known dialect of an earlier look, kept as it is
 * @throws EtlError `data.format-invalid`, `profile.unusable` */
export async function shapeOfCsv(dataset: string, ends: Ends, how: { format: FileFormat; known?: CsvDialect }): Promise<CsvShape> {
  const { format, known } = how;
  const bytes = format.compression === 'gzip' ? await unpackHead(dataset, ends.head) : ends.head;
  const nul = lineOfNul(bytes);
  if (nul !== null) throw invalid(dataset, `line ${nul}`, 'it holds NUL');
  const head = decode(dataset, bytes);
  const whole = { isWhole: format.compression === 'gzip' && ends.bytes > PACKED_HEAD ? 'cut' : ends.isWhole } as const;
  const delim = known?.delim ?? detectDelimiter(head, format, whole);
  const records = splitRecords(head, delim, whole);
  const [first] = records;
  if (whole.isWhole === 'whole' && records.every((cells) => cells.every((cell) => cell === ''))) throw new EtlError('profile.unusable', { dataset, what: `first line: the file ${records.length ? 'holds only blank lines' : 'is empty'}`, hint: 'write a line with the names of the columns' });
  if (!first) {
    throw invalid(dataset, 'line 1', 'the line does not end, or a quote is not closed');
  }
  const header = known?.header ?? (hasHeader(first) ? 'true' : 'false');
  return { dialect: { delim, quote: '"', escape: '"', header, compression: format.compression }, names: columnNames(first, header), rowBytes: Math.min(ends.bytes, format.compression === 'gzip' ? PACKED_HEAD : ends.head.length) / linesIn(bytes) };
}

function linesIn(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines += 1;
  return Math.max(lines, 1);
}

export interface CsvProfile { readonly plan: ReadPlan; readonly rows: number; readonly rowsExact: boolean }

/** Counts what the cells look like and proposes types; reading the sample also proves that its rows have one shape. The first rows say what a column may
 * be, so that the long pass asks each column only about that.
 * @throws EtlError `data.format-invalid` with the line */
export async function profileCsv(duck: DuckChild, path: string, about: { shape: CsvShape; bytes: number }): Promise<CsvProfile> {
  const { shape: { dialect, names, rowBytes }, bytes } = about;
  const isSmall = bytes <= (dialect.compression === 'gzip' ? WHOLE_BYTES / 8 : WHOLE_BYTES);
  const all = readCsv(path, dialect, names.map(() => 'VARCHAR'));
  const first = await countAll(duck, sql`SELECT * FROM ${all} LIMIT ${literal('duckdb', FIRST_ROWS)}`, names.map(() => everyCount));
  const asked = first.columns.map((counts) => countsFor(typeOfCells(counts)));
  const full = first.rows < FIRST_ROWS ? first
    : await countAll(duck, isSmall ? sql`SELECT * FROM ${all}` : sql`SELECT * FROM ${all} LIMIT ${literal('duckdb', SAMPLE_ROWS)}`, asked);
  const columns = names.map((name, index) => ({ name, duckType: duckTypeOf(typeOfCells(full.columns[index] ?? noCells)) }));
  const rowsExact = isSmall || full.rows < SAMPLE_ROWS;
  return { plan: { format: 'csv', dialect, columns }, rows: rowsExact ? full.rows : Math.max(full.rows, Math.round(bytes / rowBytes)), rowsExact };
}

async function countAll(duck: DuckChild, sample: Duck, asked: readonly (readonly (keyof CellCounts)[])[]): Promise<{ rows: number; columns: CellCounts[] }> {
  const counts = asked.flatMap((keys, index) => countsOf(index, keys));
  const [row = {}] = await duck.query(compile(sql`SELECT ${listOf([sql`count(*) AS "rows"`, ...counts])} FROM (${sample}) AS sample`));
  const columns = asked.map((keys, index) => ({ ...noCells, ...Object.fromEntries(keys.map((key) => [key, Number(row[`${key}${index}`] ?? 0)])) }));
  return { rows: Number(row['rows'] ?? 0), columns };
}

const matching = (cell: Duck, kind: 'i64' | 'f64' | 'bool' | 'date' | 'time' | 'ts' | 'tstz'): Duck =>
  sql`count(*) FILTER (regexp_full_match(${cell}, ${literal('duckdb', cellPattern({ kind }) ?? '.*')}))`;

function countsOf(index: number, keys: readonly (keyof CellCounts)[]): Duck[] {
  const cell = sql`${identifier(`c${index}`)}`;
  const plain = sql`ltrim(${cell}, '+-')`;
  const counts: Record<keyof CellCounts, Duck> = {
    cells: sql`count(${cell})`, integers: matching(cell, 'i64'), numbers: matching(cell, 'f64'), bools: matching(cell, 'bool'), dates: matching(cell, 'date'),
    times: matching(cell, 'time'), stamps: matching(cell, 'ts'), zoned: matching(cell, 'tstz'),
    zeroLed: sql`count(*) FILTER (left(${plain}, 1) = '0' AND substring(${plain}, 2, 1) BETWEEN '0' AND '9')`,
    exactFloats: sql`count(*) FILTER (length(${cell}) <= 16 OR CAST(TRY_CAST(${cell} AS DOUBLE) AS VARCHAR) = ${cell})`,
    wholeDigits: sql`coalesce(max(length(split_part(${plain}, '.', 1))), 0)`, fractionDigits: sql`coalesce(max(length(split_part(${plain}, '.', 2))), 0)`,
    exponents: sql`count(*) FILTER (contains(lower(${cell}), 'e') OR contains(lower(${cell}), 'n'))`,
  };
  return keys.map((key) => sql`${counts[key]} AS ${identifier(`${key}${index}`)}`);
}

const invalid = (file: string, place: string, problem: string, next?: string): EtlError => new EtlError('data.format-invalid', { file, format: 'csv', place, problem, ...(next ? { next } : {}) });

async function unpackHead(dataset: string, head: Uint8Array): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(head.subarray(0, PACKED_HEAD), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (cause) {
    throw new EtlError('data.format-invalid', { file: dataset, format: 'gzip', place: 'its first bytes', problem: 'they cannot be unpacked' }, { cause });
  }
}

/** The head as text; a character cut off at its end does not count. */
function decode(dataset: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch {
    throw invalid(dataset, `line ${lineOfBadText(bytes)}`, 'it is not UTF-8', asUtf8(dataset));
  }
}
function lineOfBadText(bytes: Uint8Array): number {
  let from = 0;
  for (let line = 1; ; line++) {
    const end = bytes.indexOf(10, from);
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(from, end < 0 ? bytes.length : end));
    } catch {
      return line;
    }
    if (end < 0) return line;
    from = end + 1;
  }
}
