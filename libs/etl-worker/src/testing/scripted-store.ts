import type { BucketSum, ChunkCounts, ChunkRange, ChunkWriter, Connector, LedgerRow, OpenConnection, ReadCount, ReadOptions, SinkSession, SourceSession, Writer } from '@agent-etl/connectors';
import { type Digest, EtlError, type LoadTask, type Profile, addDigests } from '@agent-etl/contracts';
import { setTimeout as sleep } from 'node:timers/promises';

/** What goes wrong, and when. Each fault is asked on every pass of its place and answers whether it strikes now. */
export interface Faults {
  /** The connection breaks while this piece is read. */
  readonly breaksAt?: (range: ChunkRange, pass: number) => boolean;
  /** The source loses its picture while this piece is read. */
  readonly losesPictureAt?: (range: ChunkRange, pass: number) => boolean;
  /** The answer to the commit of this piece is lost: after it happened, or before. */
  readonly cutsCommitAt?: (range: ChunkRange, pass: number) => 'after' | 'before' | null;
  /** Somebody else raises the fence before this piece is committed. */
  readonly raisesAt?: (range: ChunkRange, pass: number) => boolean;
  /** Staging comes back with one row doubled and one lost. */
  readonly spoilsStaging?: boolean;
  /** The target does not answer who wants to drop staging. */
  readonly isAway?: () => boolean;
  /** The target takes a connection and says nothing on it. */
  readonly isSilent?: () => boolean;
  readonly readMs?: number;
}

/** A database in memory, as harsh as a real one: pictures that end with the source, a fence, a ledger, staging per run, atomic pieces. */
export class ScriptedStore {
  rows: number[];
  readonly published: number[] = [];
  readonly staging = new Map<string, Map<string, number[]>>();
  readonly ledgers = new Map<string, Map<string, LedgerRow>>();
  readonly fences = new Map<string, number>();
  pictures = new Map<string, number[]>();
  reads = 0;
  /** How often the source was asked to hash all its rows. */
  digests = 0;
  readonly trail: string[] = [];
  private made = 0;
  constructor(rows: number, readonly pieces: number, public faults: Faults = {}) { this.rows = Array.from({ length: rows }, (_, index) => index + 1); }

  connector(): Connector {
    return { view: undefined as never, open: () => Promise.resolve(this.connection()) };
  }
  /** The source restarts: every picture is gone. */
  restart(): void { this.pictures.clear(); }
  ledgerOf({ runId, task }: Pick<Writer, 'runId' | 'task'>): Map<string, LedgerRow> { return at(this.ledgers, `${runId}/${task}`); }
  stagingOf({ runId, task }: Pick<Writer, 'runId' | 'task'>): Map<string, number[]> { return at(this.staging, `${runId}/${task}`); }

  takePicture(): string {
    const id = `picture-${this.made += 1}`;
    this.pictures.set(id, [...this.rows]);
    return id;
  }

  private connection(): OpenConnection {
    return {
      inspect: () => Promise.resolve({ kind: 'inspect', system: 'scripted', datasets: [] }),
      profile: (dataset) => Promise.resolve({ dataset, exists: true } as Profile),
      source: { offers: ['frames'], begin: (task, snapshot) => this.beginSource(task, snapshot) },
      sink: { accepts: ['frames'], begin: (task, writer) => (this.faults.isSilent?.() ? new Promise(() => undefined) : Promise.resolve(new ScriptedSink(this, writer, task.target.dataset))), current: () => { throw new Error('this store is only written'); } },
      close: () => Promise.resolve(),
    };
  }
  private async beginSource(task: LoadTask, snapshot: string | null): Promise<SourceSession> {
    await sleep(1);
    const seen = snapshot === null ? [...this.rows] : this.pictures.get(snapshot);
    if (!seen) throw new EtlError('source.snapshot-lost');
    const own = `picture-${this.made += 1}`;
    this.pictures.set(own, seen);
    this.trail.push(`begin ${snapshot === null ? 'new' : 'same'}`);
    return new ScriptedSource(this, task, { id: own, rows: seen });
  }
}
const at = <V>(maps: Map<string, Map<string, V>>, key: string): Map<string, V> => {
  const found = maps.get(key) ?? new Map<string, V>();
  maps.set(key, found);
  return found;
};
export const digestOf = (kind: Digest['kind'], rows: readonly number[]): Digest =>
  ({ kind, rows: rows.length, a: String(rows.reduce((sum, row) => sum + row, 0)), b: String(rows.reduce((sum, row) => sum + row * row, 0)) });

class ScriptedSource implements SourceSession {
  readonly snapshot: string;
  private readonly passes = new Map<string, number>();
  constructor(private readonly store: ScriptedStore, private readonly task: LoadTask, private readonly picture: { id: string; rows: readonly number[] }) { this.snapshot = picture.id; }

  cut(): Promise<ChunkRange[]> {
    const size = Math.max(1, Math.ceil(this.picture.rows.length / this.store.pieces));
    return Promise.resolve(Array.from({ length: this.store.pieces }, (_, ordinal) => ({ key: `piece-${ordinal}`, ordinal, from: String(ordinal * size), to: String((ordinal + 1) * size) })));
  }
  async read(range: ChunkRange, { to, onRead, signal }: ReadOptions): Promise<ReadCount> {
    const pass = (this.passes.get(range.key) ?? 0) + 1;
    this.passes.set(range.key, pass);
    this.store.reads += 1;
    const rows = this.picture.rows.slice(Number(range.from), Number(range.to));
    const half = rows.length >> 1;
    to.write(Buffer.from(JSON.stringify(rows.slice(0, half))));
    onRead(half, half * 4);
    await sleep(this.store.faults.readMs ?? 1, undefined, { signal });
    if (this.store.faults.breaksAt?.(range, pass)) throw new EtlError('connection.interrupted', { connection: 'scripted', phase: 'read' });
    if (this.store.faults.losesPictureAt?.(range, pass)) this.store.pictures.delete(this.snapshot);
    if (!this.store.pictures.has(this.snapshot)) throw new EtlError('source.snapshot-lost');
    to.write(Buffer.from(JSON.stringify(rows.slice(half))));
    return { rows: rows.length, bytes: rows.length * 4, digest: this.task.digest === 'pg-frame' ? digestOf('pg-frame', rows) : null };
  }
  scan(): never { throw new Error('the scripted store has no files'); }
  async digest(ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Digest> {
    this.store.digests += 1;
    await sleep(1, undefined, { signal });
    return addDigests(this.task.digest, ranges.map(({ from, to }) => digestOf(this.task.digest, this.picture.rows.slice(Number(from), Number(to)))));
  }
  async sampled(): Promise<BucketSum[]> {
    this.store.digests += 1;
    await sleep(1);
    const { rows, a, b } = digestOf('text-md5', this.picture.rows);
    return [{ bucket: '0', rows, a, b }];
  }
  close(): Promise<void> {
    this.store.pictures.delete(this.snapshot);
    return Promise.resolve();
  }
  leave(): Promise<void> { return Promise.resolve(); }
}

class ScriptedSink implements SinkSession {
  private own = 0;
  private readonly passes = new Map<string, number>();
  constructor(readonly store: ScriptedStore, readonly writer: Writer, readonly target: string) {}

  async raise(): Promise<number> {
    await sleep(1);
    this.store.trail.push('raise');
    this.own = this.raisedByAnybody();
    return this.own;
  }
  ledger(): Promise<LedgerRow[]> { return Promise.resolve([...this.store.ledgerOf(this.writer).values()]); }
  prepare({ fresh }: { fresh: 'keep' | 'start-over' }): Promise<void> {
    this.store.trail.push(fresh);
    if (fresh === 'start-over') {
      this.store.ledgerOf(this.writer).clear();
      this.store.stagingOf(this.writer).clear();
    }
    return Promise.resolve();
  }
  begin(range: ChunkRange): Promise<ChunkWriter | 'done'> {
    this.mustHold();
    if (this.store.ledgerOf(this.writer).has(range.key)) return Promise.resolve('done');
    const pass = (this.passes.get(range.key) ?? 0) + 1;
    this.passes.set(range.key, pass);
    const received: number[] = [];
    return Promise.resolve({
      to: { write: (bytes) => { received.push(...JSON.parse(Buffer.from(bytes).toString()) as number[]); return true; }, drained: () => Promise.resolve() },
      copyFile: () => { throw new Error('the scripted store has no files'); },
      commit: (counts) => this.commit({ range, pass, received }, counts),
      abort: () => Promise.resolve(),
    });
  }
  private commit({ range, pass, received }: { range: ChunkRange; pass: number; received: number[] }, counts: ChunkCounts): Promise<'written' | 'redo'> {
    const { faults } = this.store;
    if (faults.raisesAt?.(range, pass)) this.raisedByAnybody();
    this.mustHold();
    if (counts.rows !== received.length) throw new Error('the sink counted other rows');
    const cut = faults.cutsCommitAt?.(range, pass) ?? null;
    if (cut === 'before') return Promise.resolve('redo');
    this.store.stagingOf(this.writer).set(range.key, received);
    this.store.ledgerOf(this.writer).set(range.key, { chunkKey: range.key, attempt: this.writer.attempt, fence: this.own, ...counts });
    return Promise.resolve(cut === 'after' ? 'redo' : 'written');
  }
  stagedDigest(): Promise<Digest> {
    const rows = [...this.store.stagingOf(this.writer).values()].flat();
    if (this.store.faults.spoilsStaging) rows[0] = rows[1] ?? 0;
    return Promise.resolve(digestOf('pg-frame', rows));
  }
  async publish(_task: unknown, staged: { rows: number; digest: Digest }): Promise<{ published: number; inserted: null; updated: null }> {
    await sleep(1);
    const ledger = this.store.ledgerOf(this.writer);
    const known = ledger.get('publish');
    if (known) return { published: known.rows, inserted: null, updated: null };
    this.mustHold();
    this.store.published.push(...[...this.store.stagingOf(this.writer).values()].flat());
    this.store.stagingOf(this.writer).clear();
    ledger.set('publish', { chunkKey: 'publish', attempt: this.writer.attempt, fence: this.own, rows: staged.rows, rejected: 0, bytes: 0, digest: staged.digest });
    return { published: staged.rows, inserted: null, updated: null };
  }
  discard(): Promise<void> {
    if (this.store.faults.isAway?.()) return Promise.reject(new EtlError('connection.unreachable', { connection: 'scripted', address: 'nowhere' }));
    if (this.own !== this.store.fences.get(this.target)) return Promise.resolve();
    this.store.trail.push('discard');
    this.store.stagingOf(this.writer).clear();
    return Promise.resolve();
  }
  abandon(): Promise<void> {
    if (this.store.faults.isAway?.()) return Promise.reject(new EtlError('connection.unreachable', { connection: 'scripted', address: 'nowhere' }));
    this.store.trail.push('abandon');
    this.store.stagingOf(this.writer).clear();
    this.store.ledgerOf(this.writer).clear();
    return Promise.resolve();
  }
  close(): Promise<void> { return Promise.resolve(); }
  private raisedByAnybody(): number {
    const value = (this.store.fences.get(this.target) ?? 0) + 1;
    this.store.fences.set(this.target, value);
    return value;
  }
  private mustHold(): void { if (this.own !== this.store.fences.get(this.target)) throw new EtlError('lease.lost'); }
}
