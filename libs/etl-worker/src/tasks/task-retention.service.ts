import { StateDatabase } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { ChunksRepository } from '../chunks/chunks.repository.ts';
import { FileLedgerRepository } from '../files/file-ledger.repository.ts';
import { MOST_DROPPED, restMs } from './retention-rules.ts';
import { TasksRepository } from './tasks.repository.ts';
import { WorkerSettings } from './worker-settings.ts';

/** Drops what workers remember of tasks that ended long ago: their attempts, the cut of their loads, the ledger of their files. A repeated command meets its inbox row, which is kept longer. */
@Injectable()
export class TaskRetention {
  private restsUntil = 0;
  constructor(
    private readonly state: StateDatabase, private readonly tasks: TasksRepository, private readonly chunks: ChunksRepository, private readonly files: FileLedgerRepository, private readonly settings: WorkerSettings,
  ) {}

  /** Drops one part, if it is time to. Every worker does; what a colleague drops is gone already. @returns how many tasks were dropped */
  async tidy(): Promise<number> {
    if (performance.now() < this.restsUntil) return 0;
    const old = await this.state.asRelay((tx) => this.tasks.old(tx, { keptMs: this.settings.keptMs, limit: MOST_DROPPED }));
    for (const [tenantId, of] of Map.groupBy(old, (one) => one.tenantId)) await this.drop(tenantId, of.map(({ taskRunId }) => taskRunId));
    this.restsUntil = performance.now() + restMs(old.length);
    return old.length;
  }

  private drop(tenantId: string, taskRunIds: readonly string[]): Promise<void> {
    return this.state.inTenantTx(tenantId, async (tx) => {
      const runIds = await this.tasks.drop(tx, taskRunIds, this.settings.keptMs);
      await this.chunks.dropOrphans(tx, taskRunIds);
      await this.files.dropOrphans(tx, runIds);
    });
  }
}
