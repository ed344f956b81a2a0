import { describe, expect, it } from '@jest/globals';
import { EtlError, toFailure } from '@agent-etl/contracts';
import { replanId } from './drift-replans-rules.ts';

const run = { runId: 'r1', requestId: null, state: 'failed', failure: toFailure(new EtlError('source.schema-drifted', { dataset: 'a', diff: 'b' })) } as const;

describe('planning anew after drift', () => {
  it('is asked for once by the run that met it, and once more by the run that followed', () => {
    expect(replanId(run, { onDrift: 'evolve' })).toBe('drift-1-r1');
    expect(replanId({ ...run, requestId: 'drift-1-r0' }, { onDrift: { evolve: ['add'] } })).toBe('drift-2-r1');
    expect(replanId({ ...run, requestId: 'drift-2-r0' }, { onDrift: 'evolve' })).toBeNull();
  });
  it.each([[{ onDrift: 'stop' as const }, run], [{}, run], [{ onDrift: 'evolve' as const }, { ...run, state: 'succeeded' as const }], [{ onDrift: 'evolve' as const }, { ...run, failure: toFailure(new EtlError('plan.stale')) }]])(
    'is left to a person with %j', (pipeline, ended) => { expect(replanId(ended, pipeline)).toBeNull(); });
});
