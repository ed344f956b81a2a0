import { EtlError } from '@agent-etl/contracts';

const VALUE_CHARACTERS = 200;
const line = (message: string): number | null => {
  const found = /CSV Error on Line: (\d+)/.exec(message);
  return found ? Number(found[1]) : null;
};

/** A cell that could not become its type: row is the line of the file, header included. */
function valueError(message: string, cause: Error): EtlError | null {
  const inFile = /Error when converting column "([\s\S]*?)"\. Could not convert string "([\s\S]*?)" to '?([A-Z][A-Z0-9_(), ]*)'?/.exec(message);
  const json = /Malformed JSON at byte \d+ of input: .*?Input: "([\s\S]*?)"(?: when casting from source column|\n|$)/.exec(message);
  const cast = json ? [json[0], json[1], 'JSON'] : /Could not convert string '([\s\S]*?)' to ([A-Z][A-Z0-9_(),]*)/.exec(message)
    ?? /Could not cast value (\S+) to ([A-Z][A-Z0-9_(),]*)/.exec(message) ?? /Failed to cast decimal value (\S+) to type ([A-Z][A-Z0-9_(),]*)/.exec(message) ?? /value (\S+) which can't be cast.*? destination type (\S+)/.exec(message);
  if (!inFile && !cast) return null;
  const from = /when casting from source column (\S+)/.exec(message)?.[1];
  const [column, value, target] = inFile ? [inFile[1], inFile[2], inFile[3]] : [from, cast?.[1], cast?.[2]];
  const cell = { row: line(message), column: column ?? 'unknown', value: (value ?? '').slice(0, VALUE_CHARACTERS), target: target ?? 'unknown' };
  return new EtlError('data.value-out-of-range', { row: cell.row, column: cell.column, type: cell.target }, { cause, cell });
}

/** A number or a time that grew beyond its type while it was computed: it stands in no cell. */
function computedError(message: string, cause: Error): EtlError | null {
  const isBeyond = /^(?:Out of Range|Conversion) Error: [^\n]*(?:overflow|out of range)/i.test(message);
  return isBeyond ? new EtlError('data.value-out-of-range', { row: null, column: 'unknown', type: 'unknown' }, { cause }) : null;
}

const NOT_UTF8 = /Invalid unicode/i;
/** How a person makes UTF-8 of a file. */
export const asUtf8 = (file: string, from = 'WINDOWS-1252'): string => `write it as UTF-8, such as: iconv -f ${from} -t UTF-8 ${file}`;
/** Longest line of a CSV, ours in the making among them. */
const LONGEST_LINE = '16 MB';

/** Why a CSV cannot be read, in words without its content. */
function csvProblem(message: string): string | null {
  const columns = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message);
  if (columns) return `${columns[1]} columns expected, ${columns[2]} found`;
  if (NOT_UTF8.test(message)) return 'it is not UTF-8';
  if (/unterminated quote/i.test(message)) return 'a quote is not closed, or text follows it';
  return line(message) === null ? null : 'the row cannot be read';
}

/** A file of objects that is no JSON. DuckDB counts the objects that it has begun, so the one that it could not end is one less. */
function jsonError(message: string, about: string, cause: Error): EtlError | null {
  const malformed = /^Invalid Input Error: Malformed JSON in file .*, at byte \d+ in (?:line|record\/value) (\d+): (.*)/.exec(message);
  if (malformed) {
    const problem = (malformed[2] ?? '').replace(/ Try auto-detecting.*$/, '').replace(/[. ]+$/, '');
    return new EtlError('data.format-invalid', { file: about, format: 'json', place: `row ${Number(malformed[1]) - 1}`, problem, ...(/UTF-8/.test(problem) ? { next: asUtf8(about) } : {}) }, { cause });
  }
  const record = /JSON record refused: ([a-z ]+)/.exec(message)?.[1];
  if (record) return new EtlError('data.format-invalid', { file: about, format: 'json', place: 'a row', problem: recordProblems[record] ?? record, record }, { cause });
  if (/maximum_object_size/.test(message)) return new EtlError('data.row-too-large', { row: 'of a file of objects', size: 'longer than an object may be', limit: LARGEST_OBJECT }, { cause });
  return null;
}
const recordProblems: Readonly<Record<string, string>> = { 'no object': 'it is no object', 'duplicate key': 'a key stands there twice', 'unknown key': 'a key was not there when the file was profiled', 'too deep': 'a value is nested too deeply to be kept as it stands' };
const LARGEST_OBJECT = '32 MB';

/** What DuckDB said, in the words of the error table. Its own text, which holds values and paths, stays in the cause.
 * @param about name of the dataset as the user typed it */
export function duckFailure(message: string, about: string): EtlError {
  const cause = new Error(message);
  if (/No space left on device|disk quota exceeded|max_temp_directory_size|failed to offload/i.test(message)) return new EtlError('platform.disk-full', { what: about }, { cause });
  if (/^Out of Memory Error/i.test(message)) return new EtlError('query.memory-exceeded', { limit: 'its memory', next: 'grant each engine more with ETL_ETL_WORKER_ENGINE_MEMORY_MB, then run it again' }, { cause });
  const value = jsonError(message, about, cause) ?? valueError(message, cause) ?? computedError(message, cause);
  if (value) return value;
  const nul = /NUL in column "([\s\S]*?)"/.exec(message);
  if (nul) return new EtlError('data.format-invalid', { file: about, format: 'text', place: `column ${nul[1]}`, problem: 'a cell holds NUL', column: nul[1] }, { cause });
  if (/Maximum line size|max_line_size|does not support a full read on this file/i.test(message)) return new EtlError('data.row-too-large', { row: line(message), size: 'longer than a line may be', limit: LONGEST_LINE }, { cause });
  const problem = csvProblem(message);
  if (problem) return new EtlError('data.format-invalid', { file: about, format: 'csv', place: `line ${line(message) ?? 'unknown'}`, problem, ...(NOT_UTF8.test(message) ? { next: asUtf8(about) } : {}) }, { cause });
  if (/\.zst$/i.test(about) && /zstd|corruption/i.test(message)) return new EtlError('data.format-invalid', { file: about, format: 'zstd', place: 'the compressed stream', problem: 'it cannot be unpacked' }, { cause });
  if (/magic bytes|parquet|thrift|snappy|zstd|corrupt|page size mismatch/i.test(message) && /^(Invalid|IO|Binder|Serialization)/i.test(message)) {
    return new EtlError('data.format-invalid', { file: about, format: 'parquet', place: 'its metadata or pages', problem: 'the content cannot be decoded' }, { cause });
  }
  if (/gzip|GZIP|miniz|decompress/i.test(message)) return new EtlError('data.format-invalid', { file: about, format: 'gzip', place: 'the compressed stream', problem: 'it cannot be unpacked' }, { cause });
  if (/^Permission Error/i.test(message)) return new EtlError('file.forbidden', { file: about, reason: 'it lies outside what this attempt may touch' }, { cause });
  if (/^INTERRUPT/i.test(message)) return new EtlError('worker.stopping', {}, { cause });
  return new EtlError('platform.internal', { traceId: 'none' }, { cause });
}
