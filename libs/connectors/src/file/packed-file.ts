import { EtlError } from '@agent-etl/contracts';
import { createReadStream } from 'node:fs';
import type { Transform } from 'node:stream';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Compression } from './file-format-rules.ts';

type Packed = Exclude<Compression, 'none'>;
const unpacker = (_compression: Packed): Transform => createGunzip();

/** What comes out of a packed file is at most this much, or this many times its size: more is a bomb. */
const MOST = { bytes: 512 * 1024 * 1024, times: 200 };
/** Whether a file that is `packed` bytes long may unpack to so many. */
export const isBomb = (packed: number, unpacked: number): boolean => unpacked > MOST.bytes && unpacked > packed * MOST.times;

const damaged = (file: string, compression: Packed, cause: unknown): EtlError =>
  new EtlError('data.format-invalid', { file, format: compression, place: 'the compressed stream', problem: 'it is cut off or damaged' }, { cause });

/** Reads a packed file to its end: one that is cut at the end of a line would pass for a shorter one, and a few bytes may hold terabytes.
 * @throws EtlError `data.format-invalid`, `file.forbidden` */
export async function checkPacked(path: string, about: { dataset: string; compression: Packed; bytes: number }): Promise<void> {
  const { dataset, compression, bytes } = about;
  let unpacked = 0;
  const count = new Writable({ write: (chunk: Buffer, _encoding, done) => {
    unpacked += chunk.length;
    done(isBomb(bytes, unpacked) ? new EtlError('file.forbidden', { file: dataset, reason: `it unpacks to more than ${MOST.times} times its size` }) : null);
  } });
  try {
    await pipeline(createReadStream(path), unpacker(compression), count);
  } catch (cause) {
    throw cause instanceof EtlError ? cause : damaged(dataset, compression, cause);
  }
}

/** The first unpacked bytes of a file.
 * @property packed bytes of the file that they were made of, about
 * @throws EtlError `data.format-invalid` */
export async function unpackedHead(path: string, about: { dataset: string; compression: Packed; limit: number }): Promise<{ head: Uint8Array; isWhole: 'whole' | 'cut'; packed: number }> {
  const { dataset, compression, limit } = about;
  const file = createReadStream(path);
  const stream = file.pipe(unpacker(compression));
  file.on('error', (error) => stream.destroy(error));
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of stream as AsyncIterable<Buffer>) {
      parts.push(part);
      bytes += part.length;
      if (bytes > limit) break;
    }
  } catch (cause) {
    throw damaged(dataset, compression, cause);
  } finally {
    file.destroy();
  }
  const head = Buffer.concat(parts);
  return { head: head.subarray(0, limit), isWhole: bytes > limit ? 'cut' : 'whole', packed: file.bytesRead };
}

/** Whether a file unpacks to no more than a limit. */
export async function isUnpackedWithin(path: string, about: { dataset: string; compression: Packed; limit: number }): Promise<boolean> {
  const { dataset, compression, limit } = about;
  const file = createReadStream(path);
  const stream = file.pipe(unpacker(compression));
  file.on('error', (error) => stream.destroy(error));
  let bytes = 0;
  try {
    for await (const part of stream as AsyncIterable<Buffer>) if ((bytes += part.length) > limit) return false;
    return true;
  } catch (cause) {
    throw damaged(dataset, compression, cause);
  } finally {
    file.destroy();
  }
}
