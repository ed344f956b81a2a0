import type { AsideReason, Carrier, Connection, ConnectorView, Counted, DatasetSketch, Digest, InspectResult, LoadTask, MaskKeys, Measured, Measuring, Profile, PublishTask, QuarantineAsk, QuarantinePage, SketchTask, Span } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import type { SecretStore } from '@agent-etl/secrets';
import type { TenantRest } from './resting-connections.ts';

/** Which part of a source one piece covers: half-open, page numbers for ctid and values for a cursor, as text; null where it is open. */
export interface ChunkRange { readonly key: string; readonly ordinal: number; readonly from: string | null; readonly to: string | null }

/** Where bytes go. `write` answers true when the other side has the bytes and they may be overwritten. On false it still uses them: wait for `drained`. */
export interface ByteTarget { write(bytes: Uint8Array): boolean; drained(): Promise<void> }

/** A row that does not go into the target. `row` counts from 1 in its source, null where rows have no number; `raw` is a JSON object by the names of the source, or the text of a row that could not be read. */
export interface AsideRow { readonly row: number | null; readonly reason: string; readonly raw: string }
/** Rows that are set aside with a piece, in batches of a few hundred. */
export interface AsideRows { readonly rows: number; batches(): AsyncIterable<readonly AsideRow[]> }
/** What came out of one piece. `digest` is null when the source does not hash while it reads. `unread` are rows that the source could not read, by their numbers:
 * they count in `rows`, and rows after them carry a number that leaves them out. `reached` is what the steps saw of this piece, where it was counted on the way. */
export interface ReadCount { readonly rows: number; readonly bytes: number; readonly digest: Digest | null; readonly unread?: readonly AsideRow[]; readonly reached?: Reached | null }

/** Rows that steps saw, and those that their filters kept; then what each join and union did, in their order. */
export interface Reached { readonly seen: number; readonly kept: number; readonly combined?: readonly Counted[] }

/** Called with what is read so far, at most a few times a second. */
export type OnRead = (rows: number, bytes: number) => void;
export interface ReadOptions { readonly to: ByteTarget; readonly onRead: OnRead; readonly signal: AbortSignal }

/** A file of a source: its name as users type it, an absolute path that passed the gate, and what the folders on the way to it say of all its rows. */
export interface ScannedFile { readonly name: string; readonly path: string; readonly values: readonly (string | null)[] }
/** Files that an engine may open by itself, with explicit format and dialect. */
export interface FileScan { readonly files: readonly ScannedFile[]; readonly format: 'csv' | 'ndjson' | 'json' | 'parquet'; readonly options: Readonly<Record<string, string>>;
  /** Makes what the steps need known to the engine that reads: keys of masks. */
  prepare?(duck: DuckChild): Promise<void> }

/** Rows of one end by the hash of their key, for finding those that differ: sums of each bucket, then the rows of some of them. Equal in every engine for equal rows. */
export interface BucketSum { readonly bucket: string; readonly rows: number; readonly a: string; readonly b: string }
export interface HashedRow { readonly key: readonly (string | null)[]; readonly hash: string }
export interface HashedRows {
  buckets(): Promise<BucketSum[]>;
  rows(buckets: readonly string[], limit: number): Promise<HashedRow[]>;
}
/** @property key positions of the key in the task's columns */
export interface HashAsk { readonly key: readonly number[]; readonly signal: AbortSignal }

/** Rows whose key falls into some of the 4,096 buckets. @property key positions of what names a row in the task's columns; all of them where nothing does
 * @property by md5 where the two ends are of different engines; PostgreSQL alone knows another way */
export interface BucketSample { readonly buckets: readonly number[]; readonly key: readonly number[]; readonly by?: 'md5' | undefined }

/** One consistent picture of a source, shared by all readers of a load until it is closed. */
export interface SourceSession {
  /** Id under which another process can see the same picture, or null when the source has none. */
  readonly snapshot: string | null;
  /** Pieces of the source, equal for equal input; called once, then stored.
   * @param part position that reading begins from, less the overlap of the task's cursor; the whole source when left out */
  cut(part?: { readonly since: string; readonly signal: AbortSignal }): Promise<ChunkRange[]>;
  /** Position that a reader of the whole picture has reached: the greatest value of the task's cursor, but never ahead of the source's clock. Null for an empty source.
   * A source that knows no cursors leaves it out. */
  reach?(signal: AbortSignal): Promise<string | null>;
  /** Does what has to be done once before any piece is read and may take long: no transaction of a sink is open meanwhile. A source that has no such work leaves it out.
   * @throws EtlError of its engine, `source.snapshot-lost` when what an earlier attempt began is gone; the reason of `signal` */
  ready?(signal: AbortSignal): Promise<void>;
  /** Sends one piece as bytes of the task's carrier. @throws EtlError `source.schema-drifted`, `connection.interrupted`, `data.*` */
  read(range: ChunkRange, options: ReadOptions): Promise<ReadCount>;
  /** Rows of the given pieces that the steps of the task saw, and those that their filters kept, under the same picture. A source that computes no steps leaves it out.
   * @throws EtlError `data.join-multiplies`, `data.join-missed` where a join found more or less than its step allows */
  reached?(ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Reached>;
  /** NULLs and broken checks among all rows of the given pieces that the steps let through, under the same picture. A source that counts nothing leaves it out. */
  measured?(ranges: readonly ChunkRange[], measuring: Measuring, signal: AbortSignal): Promise<Measured>;
  /** For carrier `file`: what the sink's engine may open. */
  scan(): FileScan;
  /** Digest of the given pieces under the same picture, for kinds that are not hashed while reading. */
  digest(ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Digest>;
  /** Sums of the sampled rows of the given pieces, a bucket each. A source that cannot leaves it out: then no plan samples it. */
  sampled?(ranges: readonly ChunkRange[], sample: BucketSample, signal: AbortSignal): Promise<BucketSum[]>;
  /** Its rows by their keys, under the same picture. A source that cannot leaves it out: then rows that differ are not named. */
  hashed?(ask: HashAsk): HashedRows;
  /** What a sink refused, with what only the source can add, such as the row of a file. A source that has nothing to add leaves it out. */
  explain?(refusal: unknown): Promise<unknown>;
  /** Ends the picture. */
  close(): Promise<void>;
  /** Lets go without ending the picture, as a killed process would: for three leases a next attempt can still join it by its id.
   * A source that has no pictures, or whose pictures end with their reader, leaves it out. */
  leave?(): Promise<void>;
}
export interface Source {
  readonly offers: readonly Carrier[];
  /** @param snapshot id of an earlier attempt's picture, or null for a new one. @throws EtlError `source.snapshot-lost` */
  begin(task: LoadTask, snapshot: string | null): Promise<SourceSession>;
}

/** Who writes: goes into fence and ledger. `task` is the id of the load task, shared by load and publish. */
export interface Writer { readonly runId: string; readonly task: string; readonly attempt: number; readonly holder: string }
export interface LedgerRow { readonly chunkKey: string; readonly attempt: number; readonly fence: number; readonly rows: number; readonly rejected: number; readonly bytes: number; readonly digest: Digest | null }
/** @property aside the rejected rows, which go into quarantine in the transaction of the piece */
export interface ChunkCounts { readonly rows: number; readonly rejected: number; readonly bytes: number; readonly digest: Digest | null; readonly aside?: AsideRows | undefined }

/** One piece in one sink transaction: fence, ledger row, data. Either `commit` or `abort` ends it. */
export interface ChunkWriter {
  /** Takes bytes of the task's carrier. */
  readonly to: ByteTarget;
  /** For carrier `file`: lets the sink's engine read the file. Answers rows and bytes. */
  copyFile(scan: FileScan, signal: AbortSignal): Promise<ReadCount>;
  /** Ends the stream, compares rows with what the sink counted, fills the ledger row, commits.
   * @param signal once it is aborted, a commit that nobody answers is given up; one that is answered soon still counts
   * @returns 'redo' when the outcome was unknown and the ledger has no row. @throws EtlError `sink.*`, `data.*`, `lease.lost` */
  commit(counts: ChunkCounts, signal?: AbortSignal): Promise<'written' | 'redo'>;
  /** Rolls back, closes the connection, leaves nothing. */
  abort(cause: unknown): Promise<void>;
}
/** What lies in staging, and which span of the source it is where a cursor was read. `began` is when the run began, which versions of a history begin with; `maskKeys` is what its rows were masked under. */
export interface Staged { readonly rows: number; readonly digest: Digest | null; readonly span?: Span | undefined; readonly began?: string | undefined; readonly maskKeys?: MaskKeys | undefined;
  /** Called on the way, while a later attempt can still win. Inside the transaction: when the ends of a merge or a history are compared, and before its commit. Where files or tables are renamed: after
   * the last look at the fence. */
  readonly onStep?: ((step: 'compared' | 'applied' | 'half-swap') => void) | undefined }
/** `deleted` and `unchanged` of a merge or a history, which then add up: inserted + updated + unchanged = staged. `asOf` of a history.
 * @property extra of a slice: rows that the target has in it and staging has not */
export interface Published { readonly published: number; readonly inserted: number | null; readonly updated: number | null; readonly deleted?: number; readonly unchanged?: number; readonly asOf?: string; readonly extra?: number }

/** The writing end of one run on one target, behind a fence. */
export interface SinkSession {
  /** Raises the fence of the target: older attempts can commit nothing from here on. */
  raise(): Promise<number>;
  /** Pieces already written by this run, from the ledger in the sink, with a row of key `publish` once it is published. Final once the fence is raised. */
  ledger(): Promise<LedgerRow[]>;
  /** Position of the task's pipeline in the table that is there now, or null. Final once the fence is raised. A sink that keeps none leaves it out. */
  position?(): Promise<string | null>;
  /** Which keys the rows up to that position were masked under, or those of the whole table where there is none; null where nobody knows. A sink that keeps no keys leaves it out. */
  maskedUnder?(): Promise<MaskKeys | null>;
  /** Makes staging if it is missing; `fresh` drops what an earlier picture left, with its ledger rows. */
  prepare(options: { fresh: 'keep' | 'start-over' }): Promise<void>;
  /** Opens the transaction of one piece, or answers 'done' when the ledger has it. @throws EtlError `lease.lost` when somebody raised the fence */
  begin(range: ChunkRange, signal?: AbortSignal): Promise<ChunkWriter | 'done'>;
  /** Rows of this run in quarantine, by reason, most first. A sink that keeps none leaves it out. */
  aside?(): Promise<AsideReason[]>;
  /** Reads staging back and hashes it. */
  stagedDigest(task: PublishTask, signal: AbortSignal): Promise<Digest>;
  /** The same of the sampled rows alone, a bucket each. A sink that cannot leaves it out: then no plan samples it. */
  stagedSample?(task: PublishTask, sample: BucketSample, signal: AbortSignal): Promise<BucketSum[]>;
  /** One transaction: fence, ledger row `publish`, the swap, rename, insert, upsert, merge or history, and the position that a span has reached. Repeating it answers what the ledger says.
   * @throws EtlError `request.conflict` when the position is not the one that the span began from, `sink.reconcile-mismatch` when a row did not arrive,
   * `sink.too-many-deletes` when more rows vanished than the task allows */
  publish(task: PublishTask, staged: Staged): Promise<Published>;
  /** Drops staging of this run, and nothing else, while the fence is ours. */
  discard(): Promise<void>;
  /** Drops it once the run is over, without a fence: whoever writes to the target by now is not disturbed. A sleeper of the run finds neither staging nor ledger. */
  abandon(): Promise<void>;
  close(): Promise<void>;
}
export interface Sink {
  readonly accepts: readonly Carrier[];
  /** @param signal gives up what is being opened. A sink that opens at once, or gives up by itself in seconds, leaves it out: whoever stops waiting closes what comes late */
  begin(task: LoadTask, writer: Writer, signal?: AbortSignal): Promise<SinkSession>;
  /** Digest of what readers of the target see now, in the spelling that staging is read back in. @throws EtlError `source.not-found` when there is no target */
  current(task: PublishTask, signal: AbortSignal): Promise<Digest>;
  /** What was set aside beside a target. A sink that keeps none leaves it out. */
  quarantine?(dataset: string, ask: QuarantineAsk): Promise<QuarantinePage>;
  /** The same rows by their keys. A sink that cannot leaves it out. */
  hashed?(task: PublishTask, ask: HashAsk): HashedRows;
}

/** A row of the ledger with what was set aside beside it. */
export type NewLedgerRow = LedgerRow & { readonly aside?: { readonly pipeline: string; readonly target: string; readonly rows: AsideRows } | undefined };
/** Fence and ledger of sinks that have no transactions of their own; the worker keeps them in its state database. */
export interface FileLedger {
  raise(target: string, holder: string): Promise<number>;
  holds(target: string, fence: number): Promise<boolean>;
  rows(runId: string, task: string): Promise<LedgerRow[]>;
  /** Answers false when the row is there already. The rows that are set aside with it go in by the same transaction. */
  add(runId: string, task: string, row: NewLedgerRow): Promise<boolean>;
  forget(runId: string, task: string): Promise<void>;
  /** What was set aside by a run that starts over. */
  forgetAside(runId: string, task: string): Promise<void>;
  aside(runId: string, task: string): Promise<AsideReason[]>;
  quarantine(target: string, ask: QuarantineAsk): Promise<QuarantinePage>;
}

/** A Spark Connect server that steps may be computed on.
 * @property token reference of its bearer token, or null for a server without one
 * @property folder absolute, under the same path on the workers and on every machine of Spark */
export interface SparkPlace { readonly url: string; readonly token: string | null; readonly folder: string }
/** What a connector may use. Paths are absolute. */
export interface ConnectorTools {
  readonly secrets: SecretStore;
  /** Folders that file connections may lie below; a root outside is `connection.forbidden`. */
  readonly fileRoots: readonly string[];
  /** Private folder for FIFOs and spill; the worker empties it. */
  readonly scratch: string;
  readonly fileLedger: FileLedger;
  /** Connections that may move rows at once; what a connector thinks right when left out. */
  readonly lanes?: number;
  /** Where steps that a pipeline gives to Spark are computed; absent where none is configured. */
  readonly spark?: SparkPlace;
  /** Names our connections on the other side, such as application_name. */
  readonly name: string;
  /** Where connections rest between two uses; they are ended when left out. */
  readonly resting?: TenantRest;
}
/** @property onRows called with the rows that were seen so far, or 0, at least every few seconds while an engine is at it */
export interface SketchOptions { readonly signal: AbortSignal; readonly onRows: (rows: number) => void }
export interface OpenConnection {
  /** Tries the connection, or lists its datasets with the names a user types. */
  inspect(want: 'test' | 'datasets'): Promise<InspectResult>;
  /** Looks at a dataset from catalogues and statistics only. A missing target has `exists: false`; with `aside`, rows that cannot be read do not end the look; a missing source throws `source.not-found` with the nearest names. */
  profile(dataset: string, as: 'source' | 'target', bad?: 'aside'): Promise<Profile>;
  /** Profiles the values of a dataset where they are: no row passes this process. A connector that cannot leaves it out. */
  sketch?(task: SketchTask, options: SketchOptions): Promise<DatasetSketch>;
  readonly source: Source;
  readonly sink: Sink;
  close(): Promise<void>;
}
export interface Connector<C extends Connection = Connection> {
  readonly view: ConnectorView;
  open(connection: C, tools: ConnectorTools): Promise<OpenConnection>;
}
