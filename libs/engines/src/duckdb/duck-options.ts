/** What one DuckDB child may use. Paths are absolute. */
export interface DuckOptions {
  /** Name of what is read or written, as the user typed it: the only name that errors show. */
  readonly about: string;
  /** Private folder of the attempt; the child gets a folder of its own below it, for FIFOs and spill, and may touch nothing else there. */
  readonly scratch: string;
  /** Files it may open besides, to read or to write. */
  readonly files?: readonly string[];
  /** Folders below which it may read and write besides. */
  readonly folders?: readonly string[];
  /** Cores granted. Left out, 2, or 1 below 384 MiB: each holds its share of hash tables and two buffers of lines. */
  readonly threads?: number;
  /** Memory of DuckDB's buffers, when left out what `grantEngines` said, or 512 MiB; the process takes about 60 MB more. */
  readonly memoryBytes?: number;
  /** Spill on disk at most, 20 GiB when left out. */
  readonly spillBytes?: number;
}

const MIB = 1024 * 1024;
const DEFAULTS = { memoryBytes: 512 * MIB, spillBytes: 20_480 * MIB };
const ENOUGH_FOR_TWO = 384 * MIB;
let granted = DEFAULTS;
/** What each child of this process may use where whoever starts it says nothing. Called once, when the process boots; a limit of a statement is the machine's business, not the task's. */
export function grantEngines(limits: Pick<DuckOptions, 'memoryBytes'>): void { granted = { ...DEFAULTS, ...limits }; }

/** What the child program is told once, before its configuration is locked. */
export interface ChildConfig {
  readonly threads: number; readonly memoryLimit: string; readonly spillFolder: string; readonly spillLimit: string;
  readonly folders: readonly string[]; readonly files: readonly string[];
}
export function childConfig(options: DuckOptions, folder: string): ChildConfig {
  const { memoryBytes, spillBytes, threads = memoryBytes < ENOUGH_FOR_TWO ? 1 : 2 }: Required<Pick<DuckOptions, 'memoryBytes' | 'spillBytes'>> & Pick<DuckOptions, 'threads'> = { ...granted, ...options };
  return {
    threads, memoryLimit: `${Math.floor(memoryBytes / MIB)}MiB`, spillFolder: `${folder}/spill`, spillLimit: `${Math.floor(spillBytes / MIB)}MiB`,
    folders: [folder, ...(options.folders ?? [])], files: options.files ?? [],
  };
}
