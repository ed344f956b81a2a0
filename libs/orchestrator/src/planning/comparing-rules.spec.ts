import { expect, it } from '@jest/globals';
import type { LoadTask, Plan, PublishTask } from '@agent-etl/contracts';
import { comparing } from './comparing-rules.ts';

it('compares every row of both ends, also where the runs of the plan read a part or compare a sample', () => {
  const about = { source: { connection: 'ops', dataset: 'public.a' }, target: { connection: 'warehouse', dataset: 'mart.a' }, digest: 'pg-frame', level: 'sampled', sample: { buckets: 256, key: ['id'] }, cursor: { read: 'since' } };
  const load = { ...about, id: 'load', kind: 'load', chunks: { by: 'cursor', count: 3, parallel: 2, targetBytes: 1 } } as unknown as LoadTask;
  const task = comparing({ tasks: [load, { ...about, id: 'publish', kind: 'publish' } as unknown as PublishTask] } as unknown as Plan);
  expect([task?.load.level, task?.load.sample, task?.load.cursor, task?.load.chunks.by, task?.publish.level, task?.publish.sample, task?.publish.cursor]).toEqual([undefined, undefined, undefined, 'whole', 'full', undefined, undefined]);
});
