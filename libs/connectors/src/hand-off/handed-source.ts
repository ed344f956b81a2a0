import { type Digest, EtlError, type LoadTask, type Measured, type Measuring, type Transform } from '@agent-etl/contracts';
import { createHash } from 'node:crypto';
import { FileSession } from '../file/file-session.ts';
import type { ChunkRange, ConnectorTools, FileScan, HashAsk, HashedRows, Reached, ReadCount, ReadOptions, Source, SourceSession } from '../port.ts';
import { type HandedPart, type OpenPart, handOver, proveHanded } from './handed-part.ts';
import { firstTask, lastTask, otherTask } from './part-tasks-rules.ts';

export interface HandOffTools extends Pick<ConnectorTools, 'scratch' | 'secrets'> { readonly open: (connection: string) => Promise<Source> }
type Joining = LoadTask & { readonly transform: Transform };

/** A source and the datasets beside it, which no one system reaches: each is read by its own connector, handed to an engine child as Parquet, and combined there. */
export const handedSource = (tools: HandOffTools): Source => ({ offers: ['text'], begin: (task, snapshot) => HandedSession.begin(task, snapshot, tools) });

/** Pictures of the parts by their place, null where a part has none. */
const picturesIn = (snapshot: string | null): (string | null)[] => (snapshot === null ? [] : JSON.parse(snapshot) as (string | null)[]);

class HandedSession implements SourceSession {
  readonly snapshot: string | null;
  private handed: Promise<{ readonly last: FileSession; readonly parts: readonly HandedPart[] }> | null = null;
  private readonly task: Joining;
  private readonly parts: readonly OpenPart[];
  private readonly tools: HandOffTools;
  private constructor(task: Joining, parts: readonly OpenPart[], tools: HandOffTools) {
    this.task = task;
    this.parts = parts;
    this.tools = tools;
    const pictures = parts.map(({ session }) => session.snapshot);
    this.snapshot = pictures.some((picture) => picture !== null) ? JSON.stringify(pictures) : null;
  }

  /** Parts behind one connection are read under one picture: that of the first of them. */
  static async begin(task: LoadTask, snapshot: string | null, tools: HandOffTools): Promise<HandedSession> {
    const { transform } = task;
    if (!transform?.handOff) throw new TypeError('a task that hands nothing over');
    const joining = { ...task, transform };
    const before = picturesIn(snapshot);
    const parts: OpenPart[] = [];
    try {
      for (const [index, part] of [firstTask(joining), ...(transform.inputs ?? []).map((input) => otherTask(task, input))].entries()) {
        const shared = parts.find(({ task: { source } }) => source.connection === part.source.connection)?.session.snapshot ?? null;
        const source = await tools.open(part.source.connection);
        parts.push({ task: part, offers: source.offers, session: await source.begin(part, before[index] ?? shared) });
      }
      return new HandedSession(joining, parts, tools);
    } catch (error) {
      await Promise.allSettled(parts.map(({ session }) => session.close()));
      throw error;
    }
  }

  async cut(): Promise<ChunkRange[]> {
    const key = createHash('sha256').update(JSON.stringify(this.parts.map(({ task: { source, sourceFingerprint } }) => [source, sourceFingerprint]))).digest('hex');
    return [{ key, ordinal: 0, from: null, to: null }];
  }
  async read(range: ChunkRange, options: ReadOptions): Promise<ReadCount> { return (await this.last(options.signal, options)).read(range, options); }
  scan(): FileScan { throw new Error('rows that are handed over are no files of a source'); }
  async digest(ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Digest> { return (await this.last(signal)).digest(ranges, signal); }
  async measured(ranges: readonly ChunkRange[], measuring: Measuring, signal: AbortSignal): Promise<Measured> { return (await this.last(signal)).measured(ranges, measuring, signal); }
  /** What the filters before the hand-off kept is counted where they are. */
  async reached(ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Reached> {
    const found = await (await this.last(signal)).reached(ranges, signal);
    const [first] = this.parts;
    if (!first?.task.transform) return found;
    const own = await first.session.reached?.(await first.session.cut(), signal);
    if (!own) throw new EtlError('plan.stale');
    const isGrouped = first.task.transform.stages.some(({ op }) => op !== 'rows');
    if (!isGrouped && own.kept !== found.seen) throw new EtlError('sink.reconcile-mismatch', { difference: `the filters keep ${own.kept} rows, ${found.seen} were handed over` });
    return { ...found, seen: own.seen, kept: own.kept };
  }
  hashed(ask: HashAsk): HashedRows {
    const rows = async (): Promise<HashedRows> => (await this.last(ask.signal)).hashed(ask);
    return { buckets: async () => (await rows()).buckets(), rows: async (buckets, limit) => (await rows()).rows(buckets, limit) };
  }
  async close(): Promise<void> { await this.end((session) => session.close()); }
  async leave(): Promise<void> { await this.end((session) => (session.leave ? session.leave() : session.close())); }

  /** The engine's end of it: handed over when it is first asked for. A part that failed is asked for again. */
  private async last(signal: AbortSignal, { onRead = () => undefined }: Partial<Pick<ReadOptions, 'onRead'>> = {}): Promise<FileSession> {
    this.handed ??= this.handing(signal, onRead);
    try {
      return (await this.handed).last;
    } catch (error) {
      this.handed = null;
      throw error;
    }
  }
  private async handing(signal: AbortSignal, onRead: ReadOptions['onRead']): Promise<{ readonly last: FileSession; readonly parts: readonly HandedPart[] }> {
    const parts: HandedPart[] = [];
    try {
      for (const part of this.parts) parts.push(await handOver(part, { scratch: this.tools.scratch, signal, onRead }));
      await proveHanded(this.parts.flatMap((part, index) => (parts[index] ? [{ part, handed: parts[index] }] : [])), { scratch: this.tools.scratch, signal });
    } catch (error) {
      await Promise.allSettled(parts.map((part) => part.drop()));
      throw error;
    }
    const [first, ...others] = parts as [HandedPart, ...HandedPart[]];
    return { parts, last: new FileSession(lastTask(this.task), { ...first, others }, this.tools) };
  }
  private async end(how: (session: SourceSession) => Promise<void>): Promise<void> {
    const handed = await this.handed?.catch(() => null);
    await Promise.all([...this.parts.map(({ session }) => how(session)), ...(handed?.parts ?? []).map((part) => part.drop())]);
  }
}
