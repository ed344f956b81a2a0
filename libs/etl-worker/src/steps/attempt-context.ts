import { type Connector, type ConnectorTools, type OpenConnection, type SinkSession, type Source, sparkSource } from '@agent-etl/connectors';
import { type Connection, EtlError, type Progress, type TaskCommand, type TaskResult } from '@agent-etl/contracts';
import { crashPoint } from '@agent-etl/service-kit';
import type { SecretStore } from '@agent-etl/secrets';
import { runInspect } from './inspect.step.ts';
import { runLoad } from './load.step.ts';
import { runProfile } from './profile.step.ts';
import { beginStaging, runPublish } from './publish.step.ts';
import { runQuarantine } from './quarantine.step.ts';
import { runReconcile } from './reconcile.step.ts';
import { runSketch } from './sketch.step.ts';
import type { CutStore, Kept, StepContext } from './step-context.ts';
import { untilAborted } from './until-aborted.ts';

/** Connectors by the name that connections carry. */
export type ConnectorsByName = Readonly<Record<string, Connector>>;
export interface AttemptParts {
  readonly command: TaskCommand;
  readonly worker: string;
  /** What the claim was granted; without a limit when left out. */
  readonly lanes?: number;
  readonly signal: AbortSignal;
  readonly cuts: CutStore;
  readonly beat: () => Promise<void>;
  readonly report: (progress: Progress) => void;
  readonly connectors: ConnectorsByName;
  /** Made when the first connection is opened, so that a task that opens none leaves nothing behind. */
  readonly tools: () => Promise<ConnectorTools>;
  readonly dropScratch: () => Promise<void>;
}

const never = new AbortController().signal;
/** How long a target is reached for once an attempt was stopped: who cancels does not wait for a server that is silent. What lies there is dropped later. */
const REACH_MS = 300;

/** One attempt at one task: its connections, opened once and closed with it. */
export class AttemptContext implements StepContext {
  private readonly parts: AttemptParts;
  private readonly opening = new Map<string, Promise<OpenConnection>>();
  private readonly opened: OpenConnection[] = [];
  private readonly kept: Kept[] = [];
  private isClosed = false;
  private cleaning: AbortSignal | null = null;
  private tools: Promise<ConnectorTools> | null = null;
  constructor(parts: AttemptParts) { this.parts = parts; }
  get command(): TaskCommand { return this.parts.command; }
  get worker(): string { return this.parts.worker; }
  get lanes(): number { return this.parts.lanes ?? Number.POSITIVE_INFINITY; }
  get signal(): AbortSignal { return this.parts.signal; }
  get cuts(): CutStore { return this.parts.cuts; }

  beat(): Promise<void> { return this.parts.beat(); }
  report(progress: Progress): void { this.parts.report(progress); }
  keep(held: Kept): void { this.kept.push(held); }
  async scratch(): Promise<string> { return (await (this.tools ??= this.parts.tools())).scratch; }
  async secrets(): Promise<SecretStore> { return (await (this.tools ??= this.parts.tools())).secrets; }
  async onSpark(source: Source): Promise<Source> { return sparkSource(source, await (this.tools ??= this.parts.tools()), async (connection) => (await this.open(connection)).source); }

  open(name: string): Promise<OpenConnection> {
    const opening = this.opening.get(name) ?? this.connect(name);
    this.opening.set(name, opening);
    return untilAborted(this.cleaning ?? this.signal, opening);
  }

  run(): Promise<TaskResult> {
    const { task } = this.command;
    switch (task.kind) {
      case 'profile': return untilAborted(this.signal, runProfile(this, task));
      case 'inspect': return untilAborted(this.signal, runInspect(this, task));
      case 'load': return runLoad(this, task);
      case 'publish': return runPublish(this, task);
      case 'quarantine': return untilAborted(this.signal, runQuarantine(this, task));
      case 'reconcile': return untilAborted(this.signal, runReconcile(this, task));
      case 'sketch': return runSketch(this, task);
    }
  }

  /** Drops what the run has staged; for tasks that stage nothing there is nothing to do. */
  async cleanUp(): Promise<void> {
    await this.onStaging(async (sink) => {
      await sink.raise(); // a late sleeper of this run must not write to what is dropped
      await sink.discard();
      crashPoint('cleanup.half');
    });
  }
  /** The same for a run that is over: others may be writing to the target by now. */
  async abandon(): Promise<void> { await this.onStaging((sink) => sink.abandon()); }

  /** The cut goes first: an attempt that comes all the same starts over, instead of resuming from a ledger whose rows are gone. */
  private async onStaging(work: (sink: SinkSession) => Promise<void>): Promise<void> {
    const { task } = this.command;
    if (task.kind !== 'load' && task.kind !== 'publish') return;
    await this.cuts.forget();
    const signal = this.cleaning = this.signal.aborted ? AbortSignal.timeout(REACH_MS) : never;
    const sink = await beginStaging(this, { target: await this.open(task.target.connection), signal }, task);
    try {
      await work(sink);
    } finally {
      await sink.close();
    }
  }

  /** @param outcome unheard: the task belongs to another attempt, which may be reading from the picture that this one kept */
  async close(outcome: 'heard' | 'unheard' = 'heard'): Promise<void> {
    this.isClosed = true;
    await Promise.allSettled(this.kept.map((held) => (outcome === 'unheard' && held.leave ? held.leave() : held.close())));
    await Promise.allSettled(this.opened.map((connection) => connection.close()));
    // A folder that cannot be removed now goes when the next worker of this machine starts.
    if (this.tools) await Promise.allSettled([this.parts.dropScratch()]);
  }

  private async connect(name: string): Promise<OpenConnection> {
    const connection = this.command.connections.find((one) => one.name === name);
    if (!connection) throw new EtlError('access.not-found', { what: `connection ${name}` });
    const connector = this.parts.connectors[connection.connector] as Connector<Connection> | undefined;
    if (!connector) throw new EtlError('request.unsupported', { found: `connector ${connection.connector}`, allowed: Object.keys(this.parts.connectors).join(', ') });
    this.tools ??= this.parts.tools();
    const open = await connector.open(connection, await this.tools);
    if (this.isClosed) await open.close(); // nobody waited for it any more
    else this.opened.push(open);
    return open;
  }
}
