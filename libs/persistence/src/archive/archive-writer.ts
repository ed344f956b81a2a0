import { type Hash, createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { type ArchiveEnd, type ArchiveHeader, type ArchivePart, CHUNK_BYTES, MAGIC, type RecordLetter, headOf } from './archive-format.ts';

/** A buffer that one large row made grow is not kept for the others. */
const KEPT_BYTES = 8 * CHUNK_BYTES;
const fast = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Writes an archive as a stream: one table after the other, a piece at a time. The file has its name only when it is whole and on disk. */
export class ArchiveWriter {
  readonly #whole = createHash('sha256');
  #part: Hash = createHash('sha256');
  #chunk: Buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #pending = 0;
  /** Rows may come while earlier ones are still being written: their records stay in order. */
  #writing: Promise<void> = Promise.resolve();
  #of = { rows: 0, bytes: 0 };
  readonly #total = { parts: 0, rows: 0, bytes: 0 };
  private constructor(private readonly path: string, private readonly draft: string, private readonly handle: FileHandle) {}

  static async open(path: string, header: ArchiveHeader): Promise<ArchiveWriter> {
    const draft = `${path}.${process.pid}.part`;
    const writer = new ArchiveWriter(path, draft, await open(draft, 'wx', 0o600));
    await writer.#write(MAGIC);
    await writer.#record('H', json(header));
    return writer;
  }
  async begin(part: ArchivePart): Promise<void> {
    this.#part = createHash('sha256');
    this.#of = { rows: 0, bytes: 0 };
    await this.#record('P', json(part));
  }
  /** Takes a row, whose bytes the driver writes over afterwards; the promise, where there is one, is kept when the rows so far are written. */
  row(bytes: Buffer): Promise<void> | null {
    const needed = this.#pending + bytes.byteLength;
    if (needed > this.#chunk.byteLength) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#chunk.byteLength));
      this.#chunk.copy(larger, 0, 0, this.#pending);
      this.#chunk = larger;
    }
    bytes.copy(this.#chunk, this.#pending);
    this.#pending = needed;
    this.#of.rows += 1;
    return needed >= CHUNK_BYTES ? this.#flush() : null;
  }
  async end(): Promise<{ rows: number; bytes: number }> {
    if (this.#pending > 0) await this.#flush();
    await this.#writing;
    const { rows, bytes } = this.#of;
    const sha256 = this.#part.digest('hex');
    this.#part = createHash('sha256');
    await this.#record('E', json({ rows, bytes, sha256 }));
    this.#total.parts += 1;
    this.#total.rows += rows;
    this.#total.bytes += bytes;
    return { rows, bytes };
  }
  /** Writes the last record, waits for the disk, and gives the file its name. */
  async finish(): Promise<ArchiveEnd> {
    const last = { ...this.#total, sha256: this.#whole.copy().digest('hex') };
    await this.#record('Z', json(last));
    await this.handle.sync();
    await this.handle.close();
    await rename(this.draft, this.path);
    const folder = await open(dirname(this.path));
    await folder.sync().finally(() => folder.close());
    return last;
  }
  async abandon(): Promise<void> {
    await this.handle.close().catch(() => undefined); // it may be closed already; what matters is that no half archive stays
    await rm(this.draft, { force: true });
  }

  async #flush(): Promise<void> {
    const packed = zstdCompressSync(this.#chunk.subarray(0, this.#pending), fast);
    this.#of.bytes += this.#pending;
    this.#pending = 0;
    if (this.#chunk.byteLength > KEPT_BYTES) this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    this.#writing = this.#writing.then(() => this.#record('D', packed));
    await this.#writing;
  }
  async #record(letter: RecordLetter, bytes: Buffer): Promise<void> {
    const head = headOf(letter, bytes.byteLength);
    this.#part.update(head).update(bytes);
    await this.#write(Buffer.concat([head, bytes]));
  }
  async #write(bytes: Buffer): Promise<void> {
    this.#whole.update(bytes);
    for (let at = 0; at < bytes.byteLength;) at += (await this.handle.write(bytes, at)).bytesWritten;
  }
}
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
