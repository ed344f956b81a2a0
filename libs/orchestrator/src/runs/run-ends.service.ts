import { type Failure, type Payload, type PlanId, RunId } from '@agent-etl/contracts';
import { Outbox } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { crashPoint } from '@agent-etl/service-kit';
import { Injectable } from '@nestjs/common';
import { ReceiptSigner } from '../receipts/receipt-signer.service.ts';
import { Changes } from '../signals/changes.service.ts';
import { RunEndings } from './run-endings.ts';
import type { RunRecord } from './run-record.ts';

/** What a finished run leaves behind: its proof, its last message, and those who waited for it. */
@Injectable()
export class RunEnds {
  constructor(private readonly outbox: Outbox<'orchestrator'>, private readonly signer: ReceiptSigner, private readonly endings: RunEndings, private readonly changes: Changes) {}

  /** A copy is green only with a receipt. */
  prove(run: RunRecord): RunRecord {
    if (run.kind !== 'copy' || run.state !== 'succeeded') return run;
    const proof = this.signer.prove(run);
    return 'receipt' in proof ? { ...run, receipt: proof.receipt } : { ...run, state: 'failed', failure: proof.failure };
  }
  /** Wakes those who wait for the run. */
  tell(tx: TenantTx, run: RunRecord): Promise<void> { return this.changes.changed(tx, run.runId); }
  async finish(tx: TenantTx, run: RunRecord): Promise<void> {
    crashPoint('runs.before-final');
    await this.outbox.add(tx, 'run.finished.v1', { ...about(run), state: run.state, receipt: run.receipt, failure: withoutValues(run.failure), finishedAt: run.finishedAt! });
    await this.endings.ended(tx, run);
    await this.tell(tx, run);
    tx.afterCommit(() => { crashPoint('runs.after-final'); });
  }
}

/** What every message about a run says of it. */
export const about = ({ requestId, runId, planId, pipeline, kind }: RunRecord): Pick<Payload<'run.started.v1'>, 'requestId' | 'runId' | 'planId' | 'pipeline' | 'kind'> =>
  ({ requestId, runId: RunId.parse(runId), planId: planId as PlanId | null, pipeline, kind });
/** Values of rows are for the one who asked. */
const withoutValues = (failure: Failure | null): Failure | null => {
  if (!failure) return null;
  const { cell: _, rows: __, ...rest } = failure;
  return rest;
};
