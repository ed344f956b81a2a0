import { type Pipeline, evolutionsOf } from '@agent-etl/contracts';
import type { RunRecord } from '../runs/run-record.ts';

/** Two tries per incident, then a person. */
const MOST_TRIES = 2;
const TRY = /^drift-(\d+)-/;

/** Id of the request that plans a pipeline anew after its run met a changed source, or null where a person has to. It follows from the run: said twice, it is one. */
export function replanId({ runId, requestId, state, failure }: Pick<RunRecord, 'runId' | 'requestId' | 'state' | 'failure'>, { onDrift }: Pick<Pipeline, 'onDrift'>): string | null {
  if (state !== 'failed' || failure?.code !== 'source.schema-drifted' || evolutionsOf(onDrift).length === 0) return null;
  const tries = Number(TRY.exec(requestId ?? '')?.[1] ?? 0);
  return tries < MOST_TRIES ? `drift-${tries + 1}-${runId}` : null;
}
