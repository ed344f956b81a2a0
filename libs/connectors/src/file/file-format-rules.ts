import { EtlError } from '@agent-etl/contracts';

export type Compression = 'none' | 'gzip' | 'zstd';
/** What a name promises about a file. */
export interface FileFormat { readonly format: 'csv' | 'ndjson' | 'json' | 'parquet'; readonly compression: Compression; readonly delimiter: ',' | '\t' }
const TEXTS: readonly (readonly [string, Pick<FileFormat, 'format' | 'delimiter'>])[] = [
  ['.csv', { format: 'csv', delimiter: ',' }], ['.tsv', { format: 'csv', delimiter: '\t' }], ['.ndjson', { format: 'ndjson', delimiter: ',' }], ['.jsonl', { format: 'ndjson', delimiter: ',' }],
  ['.json', { format: 'json', delimiter: ',' }],
];
const PACKED: readonly (readonly [string, Compression])[] = [['', 'none'], ['.gz', 'gzip'], ['.zst', 'zstd']];
const FORMATS: readonly (readonly [string, FileFormat])[] = [
  ...TEXTS.flatMap(([ending, text]) => PACKED.map(([packed, compression]) => [ending + packed, { ...text, compression }] as const)),
  ['.parquet', { format: 'parquet', compression: 'none', delimiter: ',' }],
];

/** The format a dataset's name promises, or null. Case does not count. */
export const formatOf = (dataset: string): FileFormat | null => FORMATS.find(([ending]) => dataset.toLowerCase().endsWith(ending))?.[1] ?? null;

/** @throws EtlError `request.unsupported` */
export function requireFormat(dataset: string): FileFormat {
  const format = formatOf(dataset);
  if (!format) throw new EtlError('request.unsupported', { found: `the file ${dataset}`, allowed: 'a name that ends in .csv, .tsv, .ndjson, .jsonl or .json, each also with .gz or .zst, or in .parquet' });
  return format;
}
/** What a file is to be called in an error about its bytes. */
export const outerName = ({ format, compression }: FileFormat): string => (compression === 'none' ? format : compression);

const KINDS: readonly (readonly [string, readonly number[]])[] = [
  ['parquet', [0x50, 0x41, 0x52, 0x31]], ['gzip', [0x1f, 0x8b]], ['a zip archive', [0x50, 0x4b, 0x03, 0x04]], ['zstd', [0x28, 0xb5, 0x2f, 0xfd]], ['a PDF', [0x25, 0x50, 0x44, 0x46]],
  ['UTF-16 text', [0xff, 0xfe]], ['UTF-16 text', [0xfe, 0xff]],
];
const isKind = (bytes: Uint8Array, magic: readonly number[]): boolean => magic.every((byte, index) => bytes[index] === byte);
const kindOf = (head: Uint8Array): string | null => KINDS.find(([, magic]) => isKind(head, magic))?.[0] ?? null;

/** Compares a file with what its name promises.
 * @param head first bytes of the file, a few KiB
 * @param tail its last four bytes
 * @returns what is wrong, or null */
export function contentProblem(format: FileFormat, head: Uint8Array, tail: Uint8Array): string | null {
  const found = kindOf(head);
  if (format.format === 'parquet') {
    if (found !== 'parquet') return found ? `it holds ${found}` : 'it does not begin with PAR1';
    return isKind(tail.slice(-4), [0x50, 0x41, 0x52, 0x31]) ? null : 'it does not end with PAR1: cut off';
  }
  if (format.compression !== 'none') return found === format.compression ? null : `it holds ${found ?? `no ${format.compression} stream`}`;
  return (found === 'UTF-16 text' ? null : textProblem(format, head)) ?? cutProblem(format, tail);
}
/** Whether bytes say nothing; 0 is half of a letter of UTF-16. */
export const isBlank = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0 || BLANK.has(byte));
/** DuckDB reads an array that is cut behind a comma as a shorter one. */
export function cutProblem({ format }: Pick<FileFormat, 'format'>, tail: Uint8Array): string | null {
  const last = tail.findLast((byte) => !BLANK.has(byte) && byte !== 0);
  return format === 'json' && last === 0x2c ? 'it ends with a comma: cut off' : null;
}

const OPENS: Readonly<Record<string, { readonly with: string; readonly else: string }>> = {
  ndjson: { with: '{', else: 'it does not begin with {: every line holds one object; name an array of objects .json' },
  json: { with: '[', else: 'it does not begin with [: it holds one array of objects; name lines of objects .ndjson' },
};
const BLANK = new Set([0x20, 0x09, 0x0a, 0x0d]);
const BOM = [0xef, 0xbb, 0xbf];
/** Compares the first bytes of a text, unpacked and as UTF-8, with what its name promises. A file that is blank is told of by whoever looks for its columns. */
export function textProblem({ format }: FileFormat, head: Uint8Array): string | null {
  const found = kindOf(head);
  if (found) return `it holds ${found}`;
  const opens = OPENS[format];
  if (!opens) return null;
  const first = head.subarray(isKind(head, BOM) ? BOM.length : 0).find((byte) => !BLANK.has(byte));
  return first === undefined || String.fromCharCode(first) === opens.with ? null : opens.else;
}
