import { EtlError } from '@agent-etl/contracts';
import { createReadStream } from 'node:fs';
import { PassThrough, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { type Compression, type FileFormat, cutProblem, isBlank } from './file-format-rules.ts';
import { type RowLimit, refuseTooLong } from './long-rows.ts';
import { RowLengths } from './row-lengths-rules.ts';
import { NoZstd, ZstdFrames } from './zstd-frames-rules.ts';

type Packed = Exclude<Compression, 'none'>;
type Answer = 'more' | 'enough';
type Each = (part: Buffer) => Answer | Promise<Answer>;

/** What comes out of a packed file is at most this much, or this many times its size: more is a bomb. */
const MOST = { bytes: 512 * 1024 * 1024, times: 200 };
/** Whether a file that is `packed` bytes long may not unpack to so many. */
export const isBomb = (packed: number, unpacked: number): boolean => unpacked > MOST.bytes && unpacked > packed * MOST.times;

/** One stream of a packed file; what comes out is looked at and dropped, so that a few bytes never become much memory. */
class Unpacking {
  private readonly stream: Transform;
  private readonly over: Promise<void>;
  private answer: Answer = 'more';
  constructor(compression: Compression, each: Each) {
    this.stream = compression === 'gzip' ? createGunzip() : compression === 'zstd' ? createZstdDecompress() : new PassThrough();
    this.over = this.lookAtAll(each);
    this.over.catch(() => undefined);
  }
  private async lookAtAll(each: Each): Promise<void> {
    for await (const part of this.stream as AsyncIterable<Buffer>) {
      this.answer = await each(part);
      if (this.answer === 'enough') return;
    }
  }
  async write(bytes: Uint8Array): Promise<Answer> {
    // A stream that fails forgets whoever waits for a write.
    await Promise.race([new Promise<void>((resolve) => { this.stream.write(bytes, () => { resolve(); }); }), this.over]);
    return this.answer;
  }
  async end(): Promise<Answer> {
    this.stream.end();
    await this.over;
    return this.answer;
  }
  destroy(): void { this.stream.destroy(); }
}

/** Unpacks a file from its beginning until somebody has enough.
 * @returns bytes of the file that were read
 * @throws EtlError `data.format-invalid` when it is cut off or damaged */
export async function eachUnpacked(path: string, about: { dataset: string; compression: Compression }, each: Each): Promise<number> {
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
    throw cause instanceof EtlError || (cause as NodeJS.ErrnoException).syscall !== undefined ? cause : damaged(about, cause);
  } finally {
    file.destroy();
    open?.destroy();
  }
}
const damaged = ({ dataset, compression }: { dataset: string; compression: Compression }, cause: unknown): EtlError =>
  new EtlError('data.format-invalid', { file: dataset, format: compression, place: 'the compressed stream', problem: 'it is cut off or damaged' }, { cause });

/** Unpacks a file to its end: one that is cut at the end of a line would pass for a shorter one, and a few bytes may hold terabytes.
 * @param about with what is measured of its rows, null where nothing is
 * @throws EtlError `data.format-invalid`, `file.forbidden`, `data.row-too-large` for a row that an engine would drop */
export async function checkPacked(path: string, about: { dataset: string; compression: Packed; bytes: number; format: FileFormat['format']; limit: RowLimit | null }): Promise<void> {
  const { limit } = about;
  const rows = limit && new RowLengths(limit);
  let unpacked = 0;
  let problem: string | null = null;
  await eachUnpacked(path, about, (part) => {
    unpacked += part.length;
    rows?.add(part);
    problem = isBlank(part) ? problem : cutProblem(about, part);
    return isBomb(about.bytes, unpacked) ? 'enough' : 'more';
  });
  if (isBomb(about.bytes, unpacked)) throw new EtlError('file.forbidden', { file: about.dataset, reason: `it unpacks to more than ${MOST.times} times its size` });
  if (rows && limit) refuseTooLong(about.dataset, rows, limit);
  if (problem !== null) throw new EtlError('data.format-invalid', { file: about.dataset, format: about.format, place: 'its last bytes', problem });
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
