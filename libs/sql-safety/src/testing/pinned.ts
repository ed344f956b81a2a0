import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

/** What texts were when they were last proven on real engines: a file keeps a digest for each name, so that a change is seen and meant.
 * Where `isWriting`, digests are taken down anew instead. */
export class Pinned {
  private readonly kept: Readonly<Record<string, string>>;
  private readonly isWriting: boolean;
  private readonly met: Record<string, string> = {};
  constructor(kept: string, { isWriting }: { readonly isWriting: boolean }) {
    this.kept = JSON.parse(kept) as Record<string, string>;
    this.isWriting = isWriting;
  }
  /** @returns digest of what is there now, and the one that was kept: a test compares the two */
  of(name: string, what: unknown): readonly [now: string, kept: string | undefined] {
    const now = bytesToHex(sha256(new TextEncoder().encode(JSON.stringify(what)))).slice(0, 16);
    this.met[name] = now;
    return [now, this.isWriting ? now : this.kept[name]];
  }
  /** Names that are kept, and that nothing asked for. */
  get unasked(): readonly string[] { return this.isWriting ? [] : Object.keys(this.kept).filter((name) => !(name in this.met)); }
  /** The file as it should be. */
  get text(): string { return `${JSON.stringify(Object.fromEntries(Object.entries(this.met).sort(([a], [b]) => (a < b ? -1 : 1))), null, 1)}\n`; }
}
