import { EtlError } from '@agent-etl/contracts';

/** What a name promises about a file. */
export interface FileFormat { readonly format: 'csv' | 'parquet'; readonly compression: 'none' | 'gzip'; readonly delimiter: ',' | '\t' }
const FORMATS: readonly (readonly [string, FileFormat])[] = [
  ['.csv', { format: 'csv', compression: 'none', delimiter: ',' }], ['.csv.gz', { format: 'csv', compression: 'gzip', delimiter: ',' }],
  ['.tsv', { format: 'csv', compression: 'none', delimiter: '\t' }], ['.tsv.gz', { format: 'csv', compression: 'gzip', delimiter: '\t' }],
  ['.parquet', { format: 'parquet', compression: 'none', delimiter: ',' }],
];

/** The format a dataset's name promises, or null. Case does not count. */
export const formatOf = (dataset: string): FileFormat | null => FORMATS.find(([ending]) => dataset.toLowerCase().endsWith(ending))?.[1] ?? null;

/** @throws EtlError `request.unsupported` */
export function requireFormat(dataset: string): FileFormat {
  const format = formatOf(dataset);
  if (!format) throw new EtlError('request.unsupported', { found: `the file ${dataset}`, allowed: 'a name that ends in .csv, .csv.gz, .tsv, .tsv.gz or .parquet' });
  return format;
}

const KINDS: readonly (readonly [string, readonly number[]])[] = [
  ['parquet', [0x50, 0x41, 0x52, 0x31]], ['gzip', [0x1f, 0x8b]], ['a zip archive', [0x50, 0x4b, 0x03, 0x04]], ['zstd', [0x28, 0xb5, 0x2f, 0xfd]], ['a PDF', [0x25, 0x50, 0x44, 0x46]],
  ['UTF-16 text', [0xff, 0xfe]], ['UTF-16 text', [0xfe, 0xff]],
];
const isKind = (bytes: Uint8Array, magic: readonly number[]): boolean => magic.every((byte, index) => bytes[index] === byte);

/** Compares a file with what its name promises.
 * @param head first bytes of the file, a few KiB
 * @param tail its last four bytes
 * @returns what is wrong, or null */
export function contentProblem({ format, compression }: FileFormat, head: Uint8Array, tail: Uint8Array): string | null {
  const found = KINDS.find(([, magic]) => isKind(head, magic))?.[0] ?? null;
  if (format === 'parquet') {
    if (found !== 'parquet') return found ? `it holds ${found}` : 'it does not begin with PAR1';
    return isKind(tail, [0x50, 0x41, 0x52, 0x31]) ? null : 'it does not end with PAR1: cut off';
  }
  if (compression === 'gzip') return found === 'gzip' ? null : `it holds ${found ?? 'no gzip stream'}`;
  if (found) return `it holds ${found}`;
  return null;
}

/** 1-based line of the first NUL byte, or null. */
export function lineOfNul(bytes: Uint8Array): number | null {
  const at = bytes.indexOf(0);
  if (at < 0) return null;
  let line = 1;
  for (let index = 0; index < at; index++) if (bytes[index] === 10) line += 1;
  return line;
}
