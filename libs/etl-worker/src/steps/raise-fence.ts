import type { LedgerRow, SinkSession } from '@agent-etl/connectors';
import { crashPoint } from '@agent-etl/service-kit';
import type { StepContext } from './step-context.ts';

/** Raise, beat, then read the ledger, in this order: older attempts are shut out, this one still owns its task, so the ledger is final.
 * @throws EtlError `lease.lost` when the claim is gone */
export async function raiseFence(context: StepContext, sink: SinkSession): Promise<LedgerRow[]> {
  await sink.raise();
  crashPoint('fence.raised');
  await context.beat();
  return sink.ledger();
}
