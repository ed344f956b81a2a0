import { EtlError } from '@agent-etl/contracts';
import { asUtf8 } from '@agent-etl/engines';
import type { Ends } from './file-folder.ts';
import { type FileFormat, lineOfNul, textProblem } from './file-format-rules.ts';
import { isUnpackedWithin, unpackedHead } from './packed-file.ts';

/** Text files up to this size, unpacked, are read whole when they are profiled; of larger ones the first rows. */
const WHOLE_BYTES = 32 * 1024 * 1024;
const HEAD_BYTES = 256 * 1024;

/** The beginning of a text file, unpacked.
 * @property lineBytes bytes per line as they lie on disk
 * @property size whether the whole file is small enough to be looked at */
export interface TextHead { readonly text: string; readonly isWhole: 'whole' | 'cut'; readonly lineBytes: number; readonly size: 'small' | 'large' }

const invalid = (file: string, format: string, more: { place: string; problem: string; next?: string }): EtlError => new EtlError('data.format-invalid', { file, format, ...more });

/** @throws EtlError `data.format-invalid` */
export async function readTextHead(dataset: string, file: { path: string; ends: Ends }, format: FileFormat): Promise<TextHead> {
  const { path, ends } = file;
  const { compression } = format;
  const found = compression === 'none' ? { head: ends.head, isWhole: ends.isWhole, packed: ends.head.length } : await unpackedHead(path, { dataset, compression, limit: HEAD_BYTES });
  const problem = textProblem(format, found.head);
  if (problem) throw invalid(dataset, format.format, { place: 'its first bytes', problem });
  const nul = lineOfNul(found.head);
  if (nul !== null) throw invalid(dataset, format.format, { place: `line ${nul}`, problem: 'it holds NUL' });
  const isSmall = compression === 'none' ? ends.bytes <= WHOLE_BYTES : await isUnpackedWithin(path, { dataset, compression, limit: WHOLE_BYTES });
  return { text: decode(dataset, found.head, format), isWhole: found.isWhole, lineBytes: found.packed / linesIn(found.head), size: isSmall ? 'small' : 'large' };
}

function linesIn(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines += 1;
  return Math.max(lines, 1);
}

/** The head as text; a character cut off at its end does not count. */
function decode(dataset: string, bytes: Uint8Array, { format }: FileFormat): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch {
    throw invalid(dataset, format, { place: `line ${lineOfBadText(bytes)}`, problem: 'it is not UTF-8', next: asUtf8(dataset) });
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
