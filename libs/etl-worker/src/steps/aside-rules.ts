import { type AsideLimit, type AsideReason, EtlError, type Judging, allowedRows } from '@agent-etl/contracts';

const said = (limit: AsideLimit, read: number): string => (limit.of === 'rows' ? String(limit.rows) : `${limit.percent} % of ${read}`);

/** Whether no more was set aside than the plan allows. What was set aside stays where it is, also when it was too much.
 * @throws EtlError `data.too-many-rejects` */
export function assertWithinLimit(judging: Judging | undefined, { rows, rejected, aside }: { rows: number; rejected: number; aside: readonly AsideReason[] }): void {
  const limit = judging?.atMost;
  if (!judging || !limit || rejected <= allowedRows(limit, rows + rejected)) return;
  throw new EtlError('data.too-many-rejects', { count: rejected, limit: said(limit, rows + rejected), reason: aside[0]?.reason ?? 'nobody knows what', pipeline: judging.pipeline });
}
