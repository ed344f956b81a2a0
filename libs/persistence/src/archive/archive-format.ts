import { EtlError } from '@agent-etl/contracts';
import { z } from 'zod';

/** An archive begins with these bytes. Then come records, each a letter, a length (four bytes, big-endian) and that many bytes:
 * `H` the header; for each table `P`, any number of `D`, and `E`; `Z` last. `D` is zstd of COPY text, all others are JSON.
 * `E` holds the SHA-256 of the table's records before it, `Z` that of all bytes before it. */
export const MAGIC = Buffer.from('agent-etl backup 1\n');
export const recordLetters = ['H', 'P', 'D', 'E', 'Z'] as const;
export type RecordLetter = (typeof recordLetters)[number];
/** Bytes of a table that are compressed together, and what a record may hold at most: a damaged length must not fill the memory. */
export const CHUNK_BYTES = 1024 * 1024;
export const MOST_RECORD_BYTES = 1_200_000_000;
export const HEAD_BYTES = 5;

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Identifier = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/);
const Count = z.int().nonnegative();
const Step = z.object({ name: z.string(), release: Count, floor: Count }).strict();
/** A key that is named, never held: receipts are verified with its public half. */
export const KeyReference = z.object({ use: z.literal('receipts'), keyId: z.string(), publicKey: z.string(), reference: z.string() }).strict();
export type KeyReference = z.infer<typeof KeyReference>;
export const ArchiveHeader = z.object({
  format: z.literal('agent-etl backup'), version: z.literal(1), release: Count, takenAt: z.iso.datetime(), server: z.string(), database: z.string(),
  schemas: z.record(Identifier, z.array(Step)), keys: z.array(KeyReference),
}).strict();
export type ArchiveHeader = z.infer<typeof ArchiveHeader>;
export const ArchivePart = z.object({ schema: Identifier, table: Identifier, columns: z.array(Identifier).min(1), sequences: z.array(z.object({ column: Identifier, last: z.string().regex(/^\d+$/), called: z.boolean() }).strict()) }).strict();
export type ArchivePart = z.infer<typeof ArchivePart>;
export const PartEnd = z.object({ rows: Count, bytes: Count, sha256: Sha256 }).strict();
export const ArchiveEnd = z.object({ parts: Count, rows: Count, bytes: Count, sha256: Sha256 }).strict();
export type ArchiveEnd = z.infer<typeof ArchiveEnd>;

export function headOf(letter: RecordLetter, length: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(letter, 0, 'latin1');
  head.writeUInt32BE(length, 1);
  return head;
}
/** Reads the JSON of a record. @throws EtlError `backup.invalid` */
export function parseRecord<T>(schema: z.ZodType<T>, bytes: Buffer, { file, what }: { file: string; what: string }): T {
  let value: unknown;
  try { value = JSON.parse(bytes.toString('utf8')) as unknown; } catch (cause) { throw damaged(file, `${what} is damaged`, cause); }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw damaged(file, isNewer(value) ? 'it was written by a newer release, in a format that this one does not read' : `${what} is damaged`);
  return parsed.data;
}
const isNewer = (value: unknown): boolean => ((value as { version?: unknown } | null)?.version as number) > 1;
export const damaged = (file: string, problem: string, cause?: unknown): EtlError => new EtlError('backup.invalid', { file, problem }, { cause });
