import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { zstdDecompressSync } from 'node:zlib';
import { ArchiveEnd, ArchiveHeader, ArchivePart, HEAD_BYTES, MAGIC, MOST_RECORD_BYTES, PartEnd, type RecordLetter, damaged, parseRecord, recordLetters } from './archive-format.ts';

/** What an archive says, in the order in which it says it. */
export type ArchiveEvent =
  | { readonly is: 'header'; readonly header: ArchiveHeader } | { readonly is: 'part'; readonly part: ArchivePart }
  | { readonly is: 'rows'; readonly rows: Buffer } | { readonly is: 'part-end'; readonly rows: number; readonly bytes: number } | { readonly is: 'end'; readonly end: ArchiveEnd };
interface Piece { readonly letter: RecordLetter; readonly head: Buffer; readonly bytes: Buffer }
/** Which record may follow which. */
const follows: Readonly<Record<'start' | RecordLetter, readonly RecordLetter[]>> = { start: ['H'], H: ['P', 'Z'], P: ['D', 'E'], D: ['D', 'E'], E: ['P', 'Z'], Z: [] };
const READ_BYTES = 256 * 1024;

/** Reads an archive from beginning to end and checks every byte of it: each table's when it is over, all when the last record comes. Nothing may be believed before the event `end`.
 * @param pass `verify` leaves rows packed, and yields them empty
 * @throws EtlError `backup.invalid` */
export async function* readArchive(file: string, pass: 'verify' | 'load'): AsyncGenerator<ArchiveEvent> {
  const handle = await open(file).catch((cause: unknown) => { throw damaged(file, `it cannot be opened: ${(cause as { code?: string }).code ?? 'unknown'}`, cause); });
  try { yield* eventsOf(file, new Pieces(file, handle), pass); } finally { await handle.close(); }
}

async function* eventsOf(file: string, pieces: Pieces, pass: 'verify' | 'load'): AsyncGenerator<ArchiveEvent> {
  const whole = createHash('sha256');
  const magic = await pieces.take(MAGIC.byteLength);
  if (!magic?.equals(MAGIC)) throw damaged(file, 'it is no backup of this product');
  whole.update(magic);
  let before: 'start' | RecordLetter = 'start';
  let ofPart = createHash('sha256');
  const total = { parts: 0, rows: 0, bytes: 0 };
  for (let piece = await pieces.next(); ; piece = await pieces.next()) {
    if (!piece) throw damaged(file, 'it ends too early');
    const { letter, head, bytes } = piece;
    if (!follows[before].includes(letter)) throw damaged(file, 'its records are not in order');
    before = letter;
    const sha256 = letter === 'Z' ? whole.digest('hex') : '';
    if (letter !== 'Z') whole.update(head).update(bytes);
    if (letter === 'P') ofPart = createHash('sha256');
    if (letter === 'P' || letter === 'D') ofPart.update(head).update(bytes);
    const event = eventOf(file, piece, { pass, part: letter === 'E' ? ofPart.digest('hex') : '', whole: sha256, total });
    if (event.is === 'end' && await pieces.next()) throw damaged(file, 'there is something behind its end');
    yield event;
    if (event.is === 'end') return;
  }
}
interface Seen { readonly pass: 'verify' | 'load'; readonly part: string; readonly whole: string; readonly total: { parts: number; rows: number; bytes: number } }
function eventOf(file: string, { letter, bytes }: Piece, { pass, part, whole, total }: Seen): ArchiveEvent {
  switch (letter) {
    case 'H': return { is: 'header', header: parseRecord(ArchiveHeader, bytes, { file, what: 'its header' }) };
    case 'P': return { is: 'part', part: parseRecord(ArchivePart, bytes, { file, what: 'the head of a table' }) };
    case 'D': return { is: 'rows', rows: pass === 'load' ? unpacked(file, bytes) : Buffer.alloc(0) };
    case 'E': {
      const { sha256, ...end } = parseRecord(PartEnd, bytes, { file, what: 'the end of a table' });
      if (sha256 !== part) throw damaged(file, 'the checksum of a table is another one');
      total.parts += 1;
      total.rows += end.rows;
      total.bytes += end.bytes;
      return { is: 'part-end', ...end };
    }
    case 'Z': {
      const end = parseRecord(ArchiveEnd, bytes, { file, what: 'its end' });
      if (end.sha256 !== whole) throw damaged(file, 'its checksum is another one');
      if (end.parts !== total.parts || end.rows !== total.rows || end.bytes !== total.bytes) throw damaged(file, 'its sums are others');
      return { is: 'end', end };
    }
  }
}
function unpacked(file: string, bytes: Buffer): Buffer {
  try { return zstdDecompressSync(bytes, { maxOutputLength: MOST_RECORD_BYTES }); } catch (cause) { throw damaged(file, 'rows of a table are damaged', cause); }
}

/** Records of a file, read some megabytes at a time. */
class Pieces {
  #buffer: Buffer = Buffer.alloc(0);
  constructor(private readonly file: string, private readonly handle: FileHandle) {}
  async next(): Promise<Piece | null> {
    const head = await this.take(HEAD_BYTES);
    if (!head) return null;
    const letter = recordLetters.find((one) => one === head.toString('latin1', 0, 1));
    const length = head.readUInt32BE(1);
    if (!letter || length > MOST_RECORD_BYTES) throw damaged(this.file, 'one of its records is damaged');
    const bytes = await this.take(length);
    if (!bytes) throw damaged(this.file, 'it ends too early');
    return { letter, head, bytes };
  }
  /** Null at the end of the file. */
  async take(length: number): Promise<Buffer | null> {
    const parts = [this.#buffer];
    for (let has = this.#buffer.byteLength; has < length;) {
      const { bytesRead, buffer } = await this.handle.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES);
      if (bytesRead === 0) {
        if (has > 0) throw damaged(this.file, 'it ends too early');
        return null;
      }
      parts.push(buffer.subarray(0, bytesRead));
      has += bytesRead;
    }
    const all = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    this.#buffer = all.subarray(length);
    return all.subarray(0, length);
  }
}

export interface ArchiveContent { readonly header: ArchiveHeader; readonly parts: readonly ArchivePart[]; readonly end: ArchiveEnd }
/** Checks a whole archive without unpacking it, and answers what it holds. @throws EtlError `backup.invalid` */
export async function verifyArchive(file: string, signal?: AbortSignal): Promise<ArchiveContent> {
  let header: ArchiveHeader | null = null;
  const parts: ArchivePart[] = [];
  for await (const event of readArchive(file, 'verify')) {
    signal?.throwIfAborted();
    if (event.is === 'header') header = event.header;
    if (event.is === 'part') parts.push(event.part);
    if (event.is === 'end' && header) return { header, parts, end: event.end };
  }
  throw damaged(file, 'it ends too early');
}
