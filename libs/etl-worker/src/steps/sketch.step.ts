import { EtlError, type Progress, type SketchResult, type SketchTask } from '@agent-etl/contracts';
import type { StepContext } from './step-context.ts';

/** Profiles the values of a dataset where they are. Nothing is written; another attempt begins anew.
 * @throws EtlError `request.unsupported` when its connector cannot */
export async function runSketch(context: StepContext, task: SketchTask): Promise<SketchResult> {
  const { source: { connection, dataset } } = task;
  const open = await context.open(connection);
  if (!open.sketch) throw new EtlError('request.unsupported', { found: `a profile of values in ${connection}`, allowed: 'it for PostgreSQL and for files' });
  const progress = (rows: number): Progress => ({ phase: 'profiling', rows, totalRows: null, bytes: 0, chunksDone: 0, chunks: 1 });
  context.report(progress(0));
  const { signal } = context;
  const sketch = await open.sketch({ ...task, source: { connection, dataset } }, { signal, onRows: (rows) => { if (rows > 0) context.report(progress(rows)); } });
  return { kind: 'sketch', sketch };
}
