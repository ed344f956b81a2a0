import { EtlError } from '@agent-etl/contracts';
import type { SafeSql } from '@agent-etl/sql-safety';
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { QueryEngine } from '../query-engine.ts';
import { duckFailure } from './duck-failure-rules.ts';
import { type DuckOptions, childConfig } from './duck-options.ts';
import { isForMemory, kernelKills } from './kernel-kills.ts';
import { provenSql } from './proven-sql.ts';

/** Stands beside this file, and beside the bundle. */
const PROGRAM = fileURLToPath(new URL('./duckdb-child.mjs', import.meta.url));
const PING_MS = 5_000;
const SILENT_MS = 30_000;
const INTERRUPT_MS = 1_000;
const STDERR_CHARACTERS = 4_000;

/** Control data: every value as JSON says it, big numbers as text. */
export type DuckRow = Readonly<Record<string, unknown>>;
interface Answer { readonly id: number; readonly failed?: string; readonly rows?: DuckRow[]; readonly changed?: number; readonly version?: string; readonly seen?: number }
interface Waiting { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void; readonly onRows?: ((rows: number) => void) | undefined }
/** @property to path of the FIFO
 * @property wires types of the target, one per column: `numeric`, `timestamptz`, …
 * @property onRows called with the rows written so far, a few times a second */
export interface FrameOptions { readonly to: string; readonly wires: readonly string[]; readonly onRows?: (rows: number) => void; readonly signal?: AbortSignal }

/** One disposable child process with one locked DuckDB. Out of memory, a hang or a crash costs what this child was asked and nothing else;
 * a child that is not needed any more is killed, never reused. It runs one statement at a time and only what sql-safety compiled. */
export class DuckChild implements QueryEngine<'duckdb'> {
  readonly dialect = 'duckdb';
  /** Folder that the statements of this child may touch: FIFOs go here. Removed by `stop`. */
  readonly folder: string;
  private readonly about: string;
  private readonly process: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  private readonly gone: Promise<void>;
  private readonly watchdog: NodeJS.Timeout;
  private stderr = '';
  private heardAt = performance.now();
  private nextId = 1;
  private isOver = false;
  private isKilled = false;
  private isTooLarge = false;
  private readonly kernelKills = kernelKills();

  private constructor(about: string, folder: string, child: ChildProcess) {
    this.about = about;
    this.folder = folder;
    this.process = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => { this.stderr = (this.stderr + text).slice(-STDERR_CHARACTERS); });
    child.on('message', (answer) => { this.hear(answer as Answer); });
    child.on('error', () => { this.bury('could not start'); });
    this.gone = new Promise((resolve) => { child.once('exit', (code, signal) => { this.bury(signal ?? `exit ${code ?? 'unknown'}`, signal); resolve(); }); });
    this.watchdog = setInterval(() => { this.watch(); }, PING_MS).unref();
  }

  /** @throws EtlError `platform.unavailable` when it does not come up */
  static async start(options: DuckOptions): Promise<DuckChild> {
    const folder = await mkdtemp(join(options.scratch, 'duck-'));
    await mkdir(join(folder, 'spill'));
    const child = fork(PROGRAM, [], {
      env: { UV_THREADPOOL_SIZE: '8', TZ: 'UTC', LC_ALL: 'C.UTF-8', HOME: folder }, cwd: folder, execArgv: ['--max-old-space-size=128'],
      serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const duck = new DuckChild(options.about, folder, child);
    try {
      await duck.ask({ ask: 'open', ...childConfig(options, folder) });
    } catch (cause) {
      await duck.stop();
      throw cause;
    }
    return duck;
  }

  /** Runs a statement and answers its rows, 10,000 at most.
   * @throws EtlError `data.*`, `platform.disk-full`, `query.memory-exceeded` also when the kernel killed the child for its memory, `platform.unavailable` when it died otherwise; the signal's reason when it aborts */
  async query(statement: SafeSql<'duckdb'>, signal?: AbortSignal): Promise<readonly DuckRow[]> { return (await this.run(statement, { ask: 'run' }, { signal })).rows ?? []; }

  /** Runs a COPY and answers the rows it moved. Throws as `query` does. */
  async copy(statement: SafeSql<'duckdb'>, signal?: AbortSignal): Promise<number> { return (await this.run(statement, { ask: 'run' }, { signal })).changed ?? 0; }

  /** Runs a SELECT and writes its rows into a FIFO as CopyData messages of PostgreSQL's binary COPY, the first and the last message of the format among them; answers the rows.
   * What stands in the FIFO when this throws is cut off somewhere. Throws as `query` does; a column that has no such form is our own mistake, and an EtlError `platform.internal`. */
  async frames(statement: SafeSql<'duckdb'>, { to, wires, onRows, signal }: FrameOptions): Promise<number> {
    return (await this.run(statement, { ask: 'frames', to, wires }, { signal, onRows })).changed ?? 0;
  }

  /** Milliseconds of CPU that it has taken so far, to the hundredth of a second; null where the system does not say. */
  get cpuMs(): number | null {
    try {
      const stat = readFileSync(`/proc/${this.process.pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) * 10;
    } catch { return null; }
  }
  /** Kills the child, waits until it is gone and removes its folder. Whatever it wrote outside is the caller's to remove. */
  async stop(): Promise<void> {
    clearInterval(this.watchdog);
    if (!this.isOver) this.kill();
    await this.gone;
    await rm(this.folder, { recursive: true, force: true });
  }

  private async run(statement: SafeSql<'duckdb'>, how: Readonly<Record<string, unknown>>, { signal, onRows }: { signal?: AbortSignal | undefined; onRows?: ((rows: number) => void) | undefined }): Promise<Answer> {
    signal?.throwIfAborted();
    const { text, params } = provenSql(statement);
    let killer: NodeJS.Timeout | undefined;
    // A statement that is stuck in a FIFO does not hear an interrupt.
    const stop = () => { this.post({ ask: 'interrupt' }); killer = setTimeout(() => { this.kill(); }, INTERRUPT_MS); };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      return await this.ask({ ...how, statement: text, params }, onRows);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
      clearTimeout(killer);
    }
  }

  private ask(message: Readonly<Record<string, unknown>>, onRows?: (rows: number) => void): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.isOver) { reject(this.lost('it had ended')); return; }
      this.waiting.set(this.post(message), { resolve, reject, onRows });
    });
  }

  private post(message: Readonly<Record<string, unknown>>): number {
    const id = this.nextId++;
    // A send that fails is answered by the exit that follows.
    if (this.process.connected) this.process.send({ id, ...message }, () => undefined);
    return id;
  }

  private hear(answer: Answer): void {
    this.heardAt = performance.now();
    const waiting = this.waiting.get(answer.id);
    if (answer.seen !== undefined) { waiting?.onRows?.(answer.seen); return; }
    this.waiting.delete(answer.id);
    if (answer.failed === undefined) waiting?.resolve(answer);
    else waiting?.reject(duckFailure(answer.failed, this.about));
  }

  private watch(): void {
    if (this.waiting.size === 0) { this.heardAt = performance.now(); return; }
    if (performance.now() - this.heardAt > SILENT_MS) this.kill();
    else this.post({ ask: 'ping' });
  }

  private kill(): void {
    this.isKilled = true;
    this.process.kill('SIGKILL');
  }

  private bury(how: string, signal: string | null = null): void {
    this.isOver = true;
    clearInterval(this.watchdog);
    this.isTooLarge = isForMemory({ signal, isOurs: this.isKilled, before: this.kernelKills, after: kernelKills() });
    for (const { reject } of this.waiting.values()) reject(this.lost(how));
    this.waiting.clear();
  }

  private lost(how: string): EtlError {
    // What it asked for was within its own limit, and more than the container or the machine had left.
    if (this.isTooLarge) return new EtlError('query.memory-exceeded', { limit: 'the memory that its container or machine has', next: 'give etl-worker fewer slots or a higher memory limit, then run it again' }, { cause: new Error(`duckdb child: killed by the kernel for its memory\n${this.stderr}`) });
    return new EtlError('platform.unavailable', { dependency: 'The query engine', kept: 'yes' }, { cause: new Error(`duckdb child: ${how}\n${this.stderr}`) });
  }
}
