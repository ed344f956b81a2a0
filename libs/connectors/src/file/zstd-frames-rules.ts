/** A zstd file that is no zstd behind its first bytes. */
export class NoZstd extends Error {}

const FRAME = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;

/** Finds where the frames of a zstd file end, from its frame and block headers alone. Node's unpacker stops at the end of the first frame and says nothing of the
 * others; a file that parallel writers made, or that was appended to, has many. */
export class ZstdFrames {
  private header: number[] = [];
  private needed = 4;
  private skip = 0;
  private phase: 'magic' | 'size' | 'descriptor' | 'fields' | 'block' | 'tail' = 'magic';
  private hasChecksum = false;
  private isLast = false;

  /** Whether all bytes so far are whole frames. */
  get isBetween(): boolean { return this.phase === 'magic' && this.header.length === 0 && this.skip === 0; }

  /** Cuts bytes at the ends of frames: every part but the last ends one.
   * @throws NoZstd */
  cut(bytes: Uint8Array): { readonly part: Uint8Array; readonly end: 'frame' | 'open' }[] {
    const parts: { part: Uint8Array; end: 'frame' | 'open' }[] = [];
    let from = 0;
    for (let at = 0; at < bytes.length;) {
      at += this.step(bytes, at);
      if (!this.isBetween) continue;
      parts.push({ part: bytes.subarray(from, at), end: 'frame' });
      from = at;
    }
    if (from < bytes.length) parts.push({ part: bytes.subarray(from), end: 'open' });
    return parts;
  }

  private step(bytes: Uint8Array, at: number): number {
    if (this.skip > 0) {
      const taken = Math.min(this.skip, bytes.length - at);
      this.skip -= taken;
      if (this.skip === 0) this.arrive();
      return taken;
    }
    this.header.push(bytes[at] ?? 0);
    if (this.header.length === this.needed) this.interpret();
    return 1;
  }

  private interpret(): void {
    const value = this.header.reduceRight((sum, byte) => sum * 256 + byte, 0);
    this.header = [];
    switch (this.phase) {
      case 'magic': this.begin(value); return;
      case 'size': this.jump(value, 'tail'); return;
      case 'descriptor': this.describe(value); return;
      default: this.enterBlock(value);
    }
  }
  private begin(magic: number): void {
    if (magic === FRAME) this.expect(1, 'descriptor');
    else if (Math.floor(magic / 16) === SKIPPABLE / 16) { this.hasChecksum = false; this.expect(4, 'size'); } else throw new NoZstd('what follows a frame is no frame');
  }
  private describe(descriptor: number): void {
    const isSingle = (descriptor & 0x20) !== 0;
    const sizeFlag = descriptor >> 6;
    this.hasChecksum = (descriptor & 4) !== 0;
    this.jump((isSingle ? 0 : 1) + (DICTIONARY_BYTES[descriptor & 3] ?? 0) + (sizeFlag === 0 && isSingle ? 1 : CONTENT_SIZE_BYTES[sizeFlag] ?? 0), 'fields');
  }
  private enterBlock(header: number): void {
    const kind = (header >> 1) & 3;
    if (kind === 3) throw new NoZstd('a block of an unknown kind');
    this.isLast = (header & 1) === 1;
    this.jump(kind === 1 ? 1 : header >> 3, 'block');
  }

  private expect(needed: number, phase: ZstdFrames['phase']): void {
    this.needed = needed;
    this.phase = phase;
  }
  private jump(bytes: number, phase: ZstdFrames['phase']): void {
    this.skip = bytes;
    this.phase = phase;
    if (bytes === 0) this.arrive();
  }
  /** What was skipped is over: the fields of a header, a block, or the end of a frame. */
  private arrive(): void {
    if (this.phase === 'block' && this.isLast && this.hasChecksum) { this.jump(4, 'tail'); return; }
    if (this.phase === 'tail' || (this.phase === 'block' && this.isLast)) this.expect(4, 'magic'); else this.expect(3, 'block');
    this.isLast = false;
  }
}
