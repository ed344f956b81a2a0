import { EtlError, isWellFormed } from '@agent-etl/contracts';
import { realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';

/** DuckDB takes these for patterns, also where one file is meant. */
const PATTERN = /[*?[]/;
/** What file systems take for one name, and for a whole path. */
const MOST_BYTES = { name: 255, path: 4_000 };
const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
const real = async (path: string): Promise<string | null> => {
  try {
    return await realpath(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
};

/** Lets paths below the root of one connection through. Names come from users and plans: links, dots and absolute paths that leave the root are refused. */
export class FileGate {
  /** Real path of the root. */
  readonly root: string;
  readonly connection: string;
  private constructor(connection: string, root: string) {
    this.connection = connection;
    this.root = root;
  }

  /** @param roots folders that this worker may use; none means that files are not for this worker
   * @throws EtlError `connection.forbidden`, `source.not-found` */
  static async open(connection: { name: string; root: string }, roots: readonly string[]): Promise<FileGate> {
    const refuse = (reason: string) => new EtlError('connection.forbidden', { part: 'folder', reason });
    if (!isWellFormed(connection.root)) throw refuse('its name holds NUL or half a character');
    if (PATTERN.test(connection.root)) throw refuse('its name has * ? or [ in it');
    if (roots.length === 0) throw refuse('this worker reads no files; a file on your machine is not on the worker');
    const allowed = (await Promise.all(roots.map(real))).filter((root) => root !== null);
    const wanted = isAbsolute(connection.root) ? connection.root : resolve(allowed[0] ?? '/', connection.root);
    const found = await real(wanted);
    if (found !== null && allowed.some((root) => isBelow(found, root))) {
      if (!(await stat(found)).isDirectory()) throw refuse('it is not a folder');
      return new FileGate(connection.name, found);
    }
    // Whether a folder outside exists is nobody's business.
    if (found === null && roots.some((root) => isBelow(wanted, resolve(root)))) throw new EtlError('source.not-found', { connection: connection.name, what: 'folder', name: connection.root, nearest: 'make it first, or change the root of the connection' });
    throw refuse('it lies outside the folders this worker may use');
  }

  /** Real path of a file that may be read, or null when nothing is there.
   * @throws EtlError `file.forbidden` */
  async existing(dataset: string): Promise<string | null> {
    const found = await real(this.inside(dataset));
    if (found === null) return null;
    if (!isBelow(found, this.root)) throw forbidden(dataset, 'it leaves the root of its connection');
    if (!(await stat(found)).isFile()) throw forbidden(dataset, 'it is not a plain file');
    return found;
  }

  /** Real path of a folder whose files may be read, or null when nothing is there. The root itself is the empty name.
   * @throws EtlError `file.forbidden` */
  async existingFolder(folder: string): Promise<string | null> {
    const found = folder === '' ? this.root : await real(this.inside(folder));
    if (found === null) return null;
    if (!isBelow(found, this.root)) throw forbidden(folder, 'it leaves the root of its connection');
    if (!(await stat(found)).isDirectory()) throw forbidden(folder, 'it is not a folder');
    return found;
  }

  /** Path of a file that may be written; its folder may be missing, and an existing link at its place must not leave the root.
   * @throws EtlError `file.forbidden` */
  async writable(dataset: string): Promise<string> {
    const path = this.inside(dataset);
    await this.existing(dataset);
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      const found = await real(folder);
      if (found === null) continue;
      if (!isBelow(found, this.root)) throw forbidden(dataset, 'its folder leaves the root of its connection');
      return join(found, path.slice(folder.length));
    }
  }

  /** Path of a folder that may be made and filled. The root itself is none: what lies beside the parts would be nobody's.
   * @throws EtlError `file.forbidden` */
  async writableFolder(folder: string): Promise<string> {
    if (folder === '') throw forbidden(folder || 'the root', 'a folder of parts lies below the root of its connection');
    await this.existingFolder(folder);
    return this.writable(`${folder}/x`).then(dirname);
  }

  private inside(dataset: string): string {
    if (!isWellFormed(dataset)) throw forbidden(dataset.toWellFormed().replaceAll('\0', '?'), 'its name holds NUL or half a character');
    if (isAbsolute(dataset) || dataset.includes('\\')) throw forbidden(dataset, 'a dataset is a path below the root of its connection');
    const parts = dataset.split('/');
    if (parts.includes('..')) throw forbidden(dataset, 'it has .. in it');
    if (PATTERN.test(dataset)) throw forbidden(dataset, 'its name has * ? or [ in it, which would read other files too');
    if (parts.some((part) => Buffer.byteLength(part) > MOST_BYTES.name) || Buffer.byteLength(dataset) + Buffer.byteLength(this.root) > MOST_BYTES.path) throw forbidden(`${dataset.slice(0, 80)}…`, 'its name is too long for a file system');
    if (parts.at(-1)?.startsWith('.')) throw forbidden(dataset, 'its name begins with a dot');
    return join(this.root, ...parts);
  }
}
const forbidden = (file: string, reason: string): EtlError => new EtlError('file.forbidden', { file, reason });
