import type { FileFormat } from './file-format-rules.ts';

/** How a text file says that its letters are written: by the mark that it begins with, or by none, which is UTF-8. */
export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';
const MARKS: readonly (readonly [Encoding, readonly number[]])[] = [['utf-8', [0xef, 0xbb, 0xbf]], ['utf-16le', [0xff, 0xfe]], ['utf-16be', [0xfe, 0xff]]];
const markOf = (head: Uint8Array) => MARKS.find(([, mark]) => mark.every((byte, index) => head[index] === byte)) ?? null;

export const encodingOf = (head: Uint8Array): Encoding => markOf(head)?.[0] ?? 'utf-8';

/** Whether a file has to be written anew as UTF-8 without a mark before DuckDB can read it: it knows no UTF-16 beyond the basic plane, and in lines of objects no mark at all. */
export const needsRewriting = ({ format }: Pick<FileFormat, 'format'>, head: Uint8Array): boolean => encodingOf(head) !== 'utf-8' || (format === 'ndjson' && markOf(head) !== null);

/** A mark of four bytes, whose first two would pass for another one. */
export const isUtf32 = (head: Uint8Array): boolean => [0xff, 0xfe, 0, 0].every((byte, index) => head[index] === byte);
