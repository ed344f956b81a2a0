import { EtlError } from '@agent-etl/contracts';
import { createReadStream } from 'node:fs';
import { type Transform, finished } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { Compression } from './file-format-rules.ts';
import { NoZstd, ZstdFrames } from './zstd-frames-rules.ts';

type Packed = Exclude<Compression, 'none'>;
type Each = (part: Buffer) => 'more' | 'enough';

/** What comes out of a packed file is at most this much, or this many times its size: more is a bomb. */
const MOST = { bytes: 512 * 1024 * 1024, times: 200 };
/** Whether a file that is `packed` bytes long may not unpack to so many. */
export const isBomb = (packed: number, unpacked: number): boolean => unpacked > MOST.bytes && unpacked > packed * MOST.times;

/** One stream of a packed file; what comes out is looked at and dropped, so that a few bytes never become much memory. */
class Unpacking {
  private readonly stream: Transform;
  private readonly over: Promise<void>;
  private isEnough = false;
  constructor(compression: Packed, each: Each) {
    this.stream = compression === 'gzip' ? createGunzip() : createZstdDecompress();
    this.over = new Promise((resolve, reject) => { finished(this.stream, (error) => { if (error && !this.isEnough) reject(error); else resolve(); }); });
    this.over.catch(() => undefined);
    this.stream.on('data', (part: Buffer) => { if (!this.isEnough && each(part) === 'enough') { this.isEnough = true; this.stream.destroy(); } });
  }
  async write(bytes: Uint8Array): Promise<'more' | 'enough'> {
    // A stream that fails forgets whoever waits for a write.
    await Promise.race([new Promise<void>((resolve) => { this.stream.write(bytes, () => { resolve(); }); }), this.over]);
    return this.isEnough ? 'enough' : 'more';
  }
  async end(): Promise<'more' | 'enough'> {
    this.stream.end();
    await this.over;
    return this.isEnough ? 'enough' : 'more';
  }
  destroy(): void { this.stream.destroy(); }
}

/** Unpacks a file from its beginning until somebody has enough.
 * @returns bytes of the file that were read
 * @throws EtlError `data.format-invalid` when it is cut off or damaged */
async function eachUnpacked(path: string, about: { dataset: string; compression: Packed }, each: Each): Promise<number> {
  const { compression } = about;
  const file = createReadStream(path);
  const frames = compression === 'zstd' ? new ZstdFrames() : null;
  let open: Unpacking | null = null;
  try {
    for await (const chunk of file as AsyncIterable<Buffer>) {
      for (const { part, end } of frames?.cut(chunk) ?? [{ part: chunk, end: 'open' as const }]) {
        open ??= new Unpacking(compression, each);
        if (await open.write(part) === 'enough') return file.bytesRead;
        if (end === 'frame' && await open.end() === 'enough') return file.bytesRead;
        if (end === 'frame') open = null;
      }
    }
    if (frames && !frames.isBetween) throw new NoZstd('the last frame does not end');
    await open?.end();
    return file.bytesRead;
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).syscall === undefined ? damaged(about, cause) : cause;
  } finally {
    file.destroy();
    open?.destroy();
  }
}
const damaged = ({ dataset, compression }: { dataset: string; compression: Packed }, cause: unknown): EtlError =>
  new EtlError('data.format-invalid', { file: dataset, format: compression, place: 'the compressed stream', problem: 'it is cut off or damaged' }, { cause });

/** Unpacks a file to its end: one that is cut at the end of a line would pass for a shorter one, and a few bytes may hold terabytes.
 * @throws EtlError `data.format-invalid`, `file.forbidden` */
export async function checkPacked(path: string, about: { dataset: string; compression: Packed; bytes: number }): Promise<void> {
  let unpacked = 0;
  await eachUnpacked(path, about, (part) => {
    unpacked += part.length;
    return isBomb(about.bytes, unpacked) ? 'enough' : 'more';
  });
  if (isBomb(about.bytes, unpacked)) throw new EtlError('file.forbidden', { file: about.dataset, reason: `it unpacks to more than ${MOST.times} times its size` });
}

/** The first unpacked bytes of a file.
 * @property packed bytes of the file that they were made of, about
 * @throws EtlError `data.format-invalid` */
export async function unpackedHead(path: string, about: { dataset: string; compression: Packed; limit: number }): Promise<{ head: Uint8Array; isWhole: 'whole' | 'cut'; packed: number }> {
  const { limit } = about;
  const parts: Buffer[] = [];
  let bytes = 0;
  const packed = await eachUnpacked(path, about, (part) => {
    parts.push(part);
    bytes += part.length;
    return bytes > limit ? 'enough' : 'more';
  });
  return { head: Buffer.concat(parts).subarray(0, limit), isWhole: bytes > limit ? 'cut' : 'whole', packed };
}

/** Whether a file unpacks to no more than a limit. */
export async function isUnpackedWithin(path: string, about: { dataset: string; compression: Packed; limit: number }): Promise<boolean> {
  let bytes = 0;
  await eachUnpacked(path, about, (part) => ((bytes += part.length) > about.limit ? 'enough' : 'more'));
  return bytes <= about.limit;
}
