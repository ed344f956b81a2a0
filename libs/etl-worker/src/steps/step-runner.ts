import { type ConnectorTools, RestingConnections, type SparkPlace } from '@agent-etl/connectors';
import { type Progress, TaskCommand } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import type { SecretStore } from '@agent-etl/secrets';
import { Injectable } from '@nestjs/common';
import { ChunksRepository } from '../chunks/chunks.repository.ts';
import { FileLedgerRepository } from '../files/file-ledger.repository.ts';
import { StateFileLedger } from '../files/state-file-ledger.ts';
import type { HeldTask } from '../tasks/held-task.ts';
import { Leases } from '../tasks/leases.service.ts';
import type { EndedTask, TaskKey } from '../tasks/tasks.repository.ts';
import { WorkerSettings } from '../tasks/worker-settings.ts';
import { AttemptContext, type ConnectorsByName } from './attempt-context.ts';
import { ScratchFolders } from './scratch-folders.ts';
import type { CutStore } from './step-context.ts';

/** What steps reach of the outside world. */
export class StepTools {
  readonly connectors: ConnectorsByName;
  readonly secrets: SecretStore;
  readonly fileRoots: readonly string[];
  readonly scratch: ScratchFolders;
  readonly resting = new RestingConnections();
  /** Where steps are computed that a pipeline gives to Spark, or null. */
  readonly spark: SparkPlace | null;
  constructor(tools: { connectors: ConnectorsByName; secrets: SecretStore; fileRoots: readonly string[]; scratch: ScratchFolders; spark?: SparkPlace | null }) {
    this.connectors = tools.connectors;
    this.secrets = tools.secrets;
    this.fileRoots = tools.fileRoots;
    this.scratch = tools.scratch;
    this.spark = tools.spark ?? null;
  }
}

/** Makes the context of each attempt. */
@Injectable()
export class StepRunner {
  private readonly state: StateDatabase;
  private readonly leases: Leases;
  private readonly chunks: ChunksRepository;
  private readonly fileLedger: FileLedgerRepository;
  private readonly settings: WorkerSettings;
  private readonly tools: StepTools;
  constructor(state: StateDatabase, leases: Leases, chunks: ChunksRepository, fileLedger: FileLedgerRepository, settings: WorkerSettings, tools: StepTools) {
    this.state = state;
    this.leases = leases;
    this.chunks = chunks;
    this.fileLedger = fileLedger;
    this.settings = settings;
    this.tools = tools;
  }

  open(held: HeldTask, report: (progress: Progress) => void): AttemptContext {
    const { claimed, signal } = held;
    return this.context(claimed, claimed.command, { signal, report, beat: () => held.beat(), cuts: this.cutsOf(claimed), ...(claimed.lanes > 0 ? { lanes: claimed.lanes } : {}) });
  }

  /** Drops the staging of an attempt that ended and that nobody follows. */
  async abandonAfter(ended: EndedTask): Promise<void> {
    const idle = { signal: new AbortController().signal, report: () => undefined, beat: () => Promise.resolve(), cuts: this.cutsOf(ended) };
    const context = this.context(ended, TaskCommand.parse(ended.command), idle);
    try {
      await context.abandon();
    } finally {
      await context.close();
    }
  }

  private context(key: TaskKey, command: TaskCommand, attempt: Pick<ConstructorParameters<typeof AttemptContext>[0], 'signal' | 'report' | 'beat' | 'cuts' | 'lanes'>): AttemptContext {
    const { scratch, connectors, secrets, fileRoots, resting, spark } = this.tools;
    let folder: string | null = null;
    const tools = async (): Promise<ConnectorTools> => {
      folder = await scratch.make(`${key.taskRunId}-${key.attempt}`);
      const fileLedger = new StateFileLedger(this.state, this.fileLedger, key.tenantId);
      return { secrets, fileRoots, scratch: folder, fileLedger, resting: resting.of(key.tenantId), name: `agent-etl ${this.settings.worker}`, ...(attempt.lanes ? { lanes: attempt.lanes } : {}), ...(spark ? { spark } : {}) };
    };
    const dropScratch = async (): Promise<void> => { if (folder !== null) await scratch.drop(folder); };
    return new AttemptContext({ command, worker: this.settings.worker, connectors, tools, dropScratch, ...attempt });
  }

  private cutsOf(key: TaskKey): CutStore {
    return {
      find: () => this.state.inTenantTx(key.tenantId, (tx) => this.chunks.find(tx, key.taskRunId)),
      replace: (cut) => this.leases.whileHeld(key, (tx) => this.chunks.replace(tx, key.taskRunId, cut)),
      handOn: (snapshot) => this.leases.whileHeld(key, (tx) => this.chunks.handOn(tx, key.taskRunId, snapshot)),
      forget: () => this.state.inTenantTx(key.tenantId, (tx) => this.chunks.forget(tx, key.taskRunId)),
    };
  }
}
