import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FolderManifest, MANIFEST, isPart, readManifest } from './folder-manifest.ts';

/** A piece on disk, before it is a part. */
export interface StagedPart { readonly key: string; readonly attempt: number; readonly path: string; readonly sha256: string }
const STAGED = /^\.etl-([0-9a-f]{32})\.([0-9a-f]{32})\.(\d+)\.([0-9a-f]{64})$/;

async function flush(path: string, flags: string): Promise<void> {
  const file = await open(path, flags);
  try { await file.sync(); } finally { await file.close(); }
}
async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path) as AsyncIterable<Buffer>) hash.update(bytes);
  return hash.digest('hex');
}

/** Where one run makes the parts of a folder: hidden names inside it, so that what is made takes the place of what is there by renames. */
export class StagedFolder {
  private readonly run: string;
  constructor(readonly folder: string, private readonly ending: string, readonly runId: string) { this.run = runId.replaceAll('-', ''); }

  private get plan(): string { return `.etl-${this.run}.manifest`; }
  make(): Promise<unknown> { return mkdir(this.folder, { recursive: true }); }
  /** Where a piece is written. */
  open(key: string, attempt: number): string { return join(this.folder, `.etl-${this.run}.${key.slice(0, 32)}.${attempt}.tmp`); }
  /** Puts a piece on the disk itself, under a name that holds the hash of its bytes. */
  async keep(key: string, attempt: number): Promise<void> {
    const from = this.open(key, attempt);
    await flush(from, 'r+');
    await rename(from, join(this.folder, `.etl-${this.run}.${key.slice(0, 32)}.${attempt}.${await sha256Of(from)}`));
    await flush(this.folder, 'r');
  }
  private async names(): Promise<string[]> {
    return readdir(this.folder).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return []; throw error; });
  }
  async staged(): Promise<StagedPart[]> {
    return (await this.names()).sort().flatMap((name) => {
      const [, run, key, attempt, sha256] = STAGED.exec(name) ?? [];
      return run === this.run && key !== undefined && sha256 !== undefined ? [{ key, attempt: Number(attempt), path: join(this.folder, name), sha256 }] : [];
    });
  }
  async manifest(): Promise<FolderManifest | null> { return readManifest(this.folder); }
  /** What this run was about to publish when it was stopped. */
  async planned(): Promise<FolderManifest | null> { return readManifest(this.folder, this.plan); }
  /** @param twin how many parts of the same bytes come before it */
  partName(sha256: string, twin: number): string {
    const id = twin === 0 ? sha256 : createHash('sha256').update(`${sha256} ${twin}`).digest('hex');
    return `part-${id.slice(0, 40)}${this.ending}`;
  }
  async sizeOf(path: string): Promise<number> { return (await stat(path)).size; }

  /** Says what will be published, before anything is. */
  async announce(manifest: FolderManifest): Promise<void> {
    const path = join(this.folder, this.plan);
    await writeFile(`${path}.tmp`, `${JSON.stringify(manifest, null, 1)}\n`, { flag: 'w' });
    await flush(`${path}.tmp`, 'r+');
    await rename(`${path}.tmp`, path);
    await flush(this.folder, 'r');
  }
  /** Gives the pieces their names as parts, then the manifest its own: with that rename all of them take the place of what was there. Repeating it goes on. */
  async publish({ parts }: FolderManifest): Promise<void> {
    const staged = await this.staged();
    for (const [sha256, twins] of Map.groupBy(parts, (part) => part.sha256)) {
      const pieces = staged.filter((each) => each.sha256 === sha256);
      // Those that an earlier attempt has named are the first, and their pieces are gone.
      const waiting = twins.slice(Math.max(0, twins.length - pieces.length));
      for (const [index, { name }] of waiting.entries()) await rename(pieces[index]!.path, join(this.folder, name));
    }
    await flush(this.folder, 'r');
    await rename(join(this.folder, this.plan), join(this.folder, MANIFEST));
    await flush(this.folder, 'r');
  }
  /** Removes parts that the manifest does not name, and what runs have left that can publish nothing more. */
  async sweep(): Promise<void> {
    const named = new Set((await this.manifest())?.parts.map(({ name }) => name));
    await this.remove((name) => (isPart(name) && !named.has(name)) || name.startsWith('.etl-'));
  }
  /** Removes what this run has staged, but for pieces that are kept. */
  async clear(kept: readonly string[] = []): Promise<void> {
    await this.remove((name) => name.startsWith(`.etl-${this.run}.`) && !kept.some((key) => name.startsWith(`.etl-${this.run}.${key.slice(0, 32)}.`) && STAGED.test(name)));
    // A folder that this run has made and filled with nothing.
    if (kept.length === 0 && (await this.names()).length === 0) await rm(this.folder, { recursive: true, force: true });
  }
  private async remove(isMeant: (name: string) => boolean): Promise<void> {
    await Promise.all((await this.names()).filter(isMeant).map((name) => rm(join(this.folder, name), { force: true })));
  }
}
