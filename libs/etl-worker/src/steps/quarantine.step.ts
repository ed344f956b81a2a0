import { EtlError, type QuarantineResult, type QuarantineTask } from '@agent-etl/contracts';
import type { StepContext } from './step-context.ts';

/** Reads what a pipeline has set aside, from beside its target. @throws EtlError `request.unsupported` where the connector keeps no such rows */
export async function runQuarantine(context: StepContext, { target, ask }: QuarantineTask): Promise<QuarantineResult> {
  const { sink } = await context.open(target.connection);
  if (!sink.quarantine) throw new EtlError('request.unsupported', { found: `a quarantine in ${target.connection}`, allowed: 'a target that keeps rows which are set aside' });
  return { kind: 'quarantine', ...await sink.quarantine(target.dataset, ask) };
}
