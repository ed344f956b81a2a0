import { EtlError } from '@agent-etl/contracts';
import { asUtf8 } from '@agent-etl/engines';
import type { Ends } from './file-folder.ts';
import { type FileFormat, textProblem } from './file-format-rules.ts';
import { isUnpackedWithin, unpackedHead } from './packed-file.ts';
import { type Encoding, encodingOf, isUtf32, needsRewriting } from './text-encoding-rules.ts';

/** Text files up to this size, unpacked, are read whole when they are profiled; of larger ones the first rows. */
const WHOLE_BYTES = 32 * 1024 * 1024;
const HEAD_BYTES = 256 * 1024;

/** The beginning of a text file, unpacked.
 * @property lineBytes bytes per line as they lie on disk
 * @property size whether the whole file is small enough to be looked at
 * @property reading whether DuckDB can read the file as it lies there, or only rewritten */
export interface TextHead {
  readonly text: string; readonly isWhole: 'whole' | 'cut'; readonly lineBytes: number; readonly size: 'small' | 'large'; readonly encoding: Encoding; readonly reading: 'direct' | 'rewritten';
}

const invalid = (file: string, format: string, more: { place: string; problem: string; next?: string }): EtlError => new EtlError('data.format-invalid', { file, format, ...more });

/** @throws EtlError `data.format-invalid` */
export async function readTextHead(dataset: string, file: { path: string; ends: Ends }, format: FileFormat): Promise<TextHead> {
  const { path, ends } = file;
  const { compression } = format;
  const found = compression === 'none' ? { head: ends.head, isWhole: ends.isWhole, packed: ends.head.length } : await unpackedHead(path, { dataset, compression, limit: HEAD_BYTES });
  const encoding = encodingOf(found.head);
  const problem = isUtf32(found.head) ? 'it holds UTF-32 text' : encoding === 'utf-8' ? textProblem(format, found.head) : null;
  if (problem) throw invalid(dataset, format.format, { place: 'its first bytes', problem });
  const text = decode(dataset, found.head, { format, encoding });
  if (encoding !== 'utf-8') refuseLies(dataset, text, format);
  const nul = text.indexOf('\0');
  if (nul >= 0) throw invalid(dataset, format.format, { place: `line ${linesIn(text.slice(0, nul)) + 1}`, problem: 'it holds NUL' });
  const isSmall = compression === 'none' ? ends.bytes <= WHOLE_BYTES : await isUnpackedWithin(path, { dataset, compression, limit: WHOLE_BYTES });
  return { text, isWhole: found.isWhole, lineBytes: found.packed / Math.max(linesIn(text), 1), size: isSmall ? 'small' : 'large', encoding, reading: needsRewriting(format, found.head) ? 'rewritten' : 'direct' };
}
function refuseLies(dataset: string, text: string, format: FileFormat): void {
  const problem = textProblem(format, Buffer.from(text.slice(0, 1_000)));
  if (problem) throw invalid(dataset, format.format, { place: 'its first letters', problem });
}

function linesIn(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}

/** The head as text; a character cut off at its end does not count. */
function decode(dataset: string, bytes: Uint8Array, { format, encoding }: { format: FileFormat; encoding: Encoding }): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: true });
  } catch {
    if (encoding !== 'utf-8') throw invalid(dataset, format.format, { place: 'its first lines', problem: 'it is not UTF-16, though it begins with its mark' });
    throw invalid(dataset, format.format, { place: `line ${lineOfBadText(bytes)}`, problem: 'it is not UTF-8', next: asUtf8(dataset) });
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
