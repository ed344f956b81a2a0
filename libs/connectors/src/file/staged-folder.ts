import { EtlError } from '@agent-etl/contracts';
import { createHash } from 'node:crypto';
import { lstat, mkdir, open, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type FolderManifest, MANIFEST, isPart, isPartitionName, readManifest } from './folder-manifest.ts';
import { indexOf, readIndex } from './partitioned-piece.ts';
import { sha256Of } from './sha256-of.ts';

/** A file of a piece on disk, before it is a part. @property rows null where the piece is one file, whose rows the ledger says */
export interface StagedPart { readonly path: string; readonly sha256: string; readonly rows: number | null; readonly values: readonly (string | null)[] }
/** A piece on disk: one file, or those of its partitions. */
export interface StagedPiece { readonly key: string; readonly attempt: number; readonly parts: readonly StagedPart[] }
const STAGED = /^\.etl-([0-9a-f]{32})\.([0-9a-f]{32})\.(\d+)\.([0-9a-f]{64}|parts)$/;
const PLAN = /^\.etl-[0-9a-f]{32}\.manifest(\.tmp)?$/;
/** Ends the name of a piece that is a folder, once all of it is on disk. */
const PARTS = 'parts';

async function flush(path: string, flags: string): Promise<void> {
  const file = await open(path, flags);
  try { await file.sync(); } finally { await file.close(); }
}
/** Files of a piece with partitions; null where its list is gone, which whoever removes it takes first or last. */
async function partsOf(piece: string): Promise<StagedPart[] | null> {
  const files = await readIndex(piece).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return null; throw error; });
  return files?.map(({ file, ...part }) => ({ ...part, path: join(piece, file) })) ?? null;
}
const isThere = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);

/** Where one run makes the parts of a folder: hidden names inside it, so that what is made takes the place of what is there by renames. */
export class StagedFolder {
  private readonly run: string;
  constructor(readonly folder: string, private readonly ending: string, readonly runId: string) { this.run = runId.replaceAll('-', ''); }

  private get plan(): string { return `.etl-${this.run}.manifest`; }
  make(): Promise<unknown> { return mkdir(this.folder, { recursive: true }); }
  /** Where a piece is written. */
  open(key: string, attempt: number): string { return join(this.folder, `.etl-${this.run}.${key.slice(0, 32)}.${attempt}.tmp`); }
  /** Puts a piece on the disk itself, under a name that holds the hash of its bytes; one of several files with a list of theirs. */
  async keep(key: string, attempt: number): Promise<void> {
    const from = this.open(key, attempt);
    const name = (await lstat(from)).isDirectory() ? await this.keepFiles(from) : (await flush(from, 'r+'), await sha256Of(from));
    const to = join(this.folder, `.etl-${this.run}.${key.slice(0, 32)}.${attempt}.${name}`);
    // An attempt that raised its fence again writes a piece again that no ledger has; a file gives way to a rename, a folder does not.
    if (name === PARTS) await rm(to, { recursive: true, force: true });
    await rename(from, to);
    await flush(this.folder, 'r');
  }
  private async keepFiles(piece: string): Promise<string> {
    const files = (await readIndex(piece)).map(({ file }) => join(piece, file));
    for (const path of files) await flush(path, 'r+');
    for (const path of new Set(files.map((file) => dirname(file)))) await flush(path, 'r');
    await flush(indexOf(piece), 'r+');
    await flush(piece, 'r');
    return PARTS;
  }
  private async names(): Promise<string[]> {
    return readdir(this.folder).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return []; throw error; });
  }
  async staged(): Promise<StagedPiece[]> {
    const pieces: StagedPiece[] = [];
    for (const name of (await this.names()).sort()) {
      const [, run, key, attempt, sha256] = STAGED.exec(name) ?? [];
      if (run !== this.run || key === undefined || sha256 === undefined) continue;
      const path = join(this.folder, name);
      const parts = sha256 === PARTS ? await partsOf(path) : [{ path, sha256, rows: null, values: [] }];
      if (parts) pieces.push({ key, attempt: Number(attempt), parts });
    }
    return pieces;
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
  /** Which file each part of a manifest is now: that of its piece, or, once an earlier attempt has named it, the part itself. Pieces of the same bytes stand for each other. */
  async whereabouts({ parts }: FolderManifest): Promise<{ readonly name: string; readonly from: string | null }[]> {
    const staged = Map.groupBy((await this.staged()).flatMap((piece) => piece.parts), ({ sha256 }) => sha256);
    const found: { name: string; from: string | null }[] = [];
    for (const [sha256, twins] of Map.groupBy(parts, (part) => part.sha256)) {
      const waiting: string[] = [];
      for (const { path } of staged.get(sha256) ?? []) if (await isThere(path)) waiting.push(path);
      // Those that an earlier attempt has named are the first, and their pieces are gone.
      const named = Math.max(0, twins.length - waiting.length);
      twins.forEach(({ name }, index) => { found.push({ name, from: waiting[index - named] ?? null }); });
    }
    return found;
  }
  /** Gives the pieces their names as parts, then the manifest its own: with that rename all of them take the place of what was there. Repeating it goes on. */
  async publish(manifest: FolderManifest): Promise<void> {
    const folders = new Set<string>();
    for (const { name } of manifest.parts) await this.makeBelow(name, folders);
    for (const { name, from } of await this.whereabouts(manifest)) if (from !== null) await rename(from, join(this.folder, name));
    for (const folder of folders) await flush(folder, 'r');
    await flush(this.folder, 'r');
    await rename(join(this.folder, this.plan), join(this.folder, MANIFEST));
    await flush(this.folder, 'r');
  }
  /** Makes the folders of a part, each of which is one of ours: behind a link lies what belongs to others.
   * @throws EtlError `file.forbidden` */
  private async makeBelow(part: string, made: Set<string>): Promise<void> {
    const names = part.split('/').slice(0, -1);
    for (const [index, name] of names.entries()) {
      const folder = join(this.folder, ...names.slice(0, index + 1));
      if (made.has(folder)) continue;
      await mkdir(folder).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'EEXIST') throw error; });
      if (!(await lstat(folder)).isDirectory()) throw new EtlError('file.forbidden', { file: name, reason: 'a link or a file stands where the folder of a partition belongs' });
      made.add(folder);
    }
  }
  /** Removes parts that the manifest does not name, folders of partitions that hold nothing more, and what runs have left that can publish nothing more. */
  async sweep(): Promise<void> {
    const named = new Set((await this.manifest())?.parts.map(({ name }) => name));
    await this.remove((await this.names()).filter((name) => (isPart(name) && !named.has(name)) || name.startsWith('.etl-')));
    await this.sweepPartitions('', named);
  }
  private async sweepPartitions(prefix: string, named: ReadonlySet<string>): Promise<void> {
    for (const entry of await readdir(join(this.folder, prefix), { withFileTypes: true })) {
      const name = `${prefix}${entry.name}`;
      if (entry.isDirectory() && isPartitionName(entry.name)) {
        await this.sweepPartitions(`${name}/`, named);
        await rmdir(join(this.folder, name)).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST' && error.code !== 'ENOENT') throw error; });
      } else if (prefix && entry.isFile() && isPart(entry.name) && !named.has(name)) await rm(join(this.folder, name), { force: true });
    }
  }
  /** Removes what this run has staged, but for pieces that are kept. */
  async clear(kept: readonly string[] = []): Promise<void> {
    await this.remove((await this.names()).filter((name) => name.startsWith(`.etl-${this.run}.`) && !kept.some((key) => name.startsWith(`.etl-${this.run}.${key.slice(0, 32)}.`) && STAGED.test(name))));
    // A folder that this run has made and filled with nothing.
    if (kept.length === 0 && (await this.names()).length === 0) await rm(this.folder, { recursive: true, force: true });
  }
  /** What other runs have staged, see `StagedFile.ofOtherRuns`. */
  async ofOtherRuns(): Promise<string[]> { return (await this.names()).filter((name) => name.startsWith('.etl-') && !name.startsWith(`.etl-${this.run}.`)); }
  /** Plans go first: a run that wakes in between may still rename its pieces, and must find no plan that names those which are gone. */
  async remove(names: readonly string[]): Promise<void> {
    const [plans, others] = [names.filter((name) => PLAN.test(name)), names.filter((name) => !PLAN.test(name))];
    for (const some of [plans, others]) await Promise.all(some.map((name) => rm(join(this.folder, name), { recursive: true, force: true })));
  }
}
