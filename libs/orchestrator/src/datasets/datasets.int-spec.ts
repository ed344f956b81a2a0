import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DEFAULT_TENANT, type DatasetProfile, type DatasetSketch, type RunView } from '@agent-etl/contracts';
import { InMemoryBus, type WireMessage } from '@agent-etl/messaging';
import { describePostgres } from '@agent-etl/persistence/testing';
import { merging, type ScheduledService, aScheduledService, eventually } from '../testing/scheduled-service.ts';
import { type Answer, type Command, type ScriptedWorker, aScriptedWorker, obedient } from '../testing/scripted-worker.ts';

const sketchOf = (more: Partial<DatasetSketch> = {}): DatasetSketch => ({
  connection: 'ops', dataset: 'public.flights', fingerprint: 'a'.repeat(64), engine: 'PostgreSQL 18.4', takenAt: '2026-01-01T00:00:00.000Z', seconds: 1, rows: 10, ofRows: 10, whole: true, pieces: 1,
  columns: [{ name: 'origin', kind: 'text', native: 'text', nulls: 1, measure: 'length', min: '3', max: '3', distinct: { estimate: 5, low: 5, high: 6, by: 'linear-counting' }, histogram: { from: 3, width: 1, counts: [9] }, beyond: 0 }], ...more });

describePostgres('what is known of a dataset', () => {
  let orchestrator: ScheduledService;
  let worker: ScriptedWorker;
  const taken = new Set<string>();
  let sketching: 'at-once' | 'silent' = 'at-once';
  const said: string[] = [];
  const bus = new InMemoryBus({ repeat: 0.3, seed: 3 });
  const answer = (command: Command): Answer => {
    if (command.task.kind !== 'sketch') return obedient(command);
    taken.add(command.taskRunId); // a message may come twice
    return sketching === 'silent' ? 'silent' : { result: { kind: 'sketch', sketch: sketchOf({ ...command.task.source, takenAt: `2026-01-01T00:00:${String(taken.size).padStart(2, '0')}.000Z`, rows: taken.size }) } };
  };
  const get = async (id: string) => orchestrator.call<DatasetProfile>('GET', `/v1/datasets/${encodeURIComponent(id)}/profile`);
  const post = async (id: string) => orchestrator.call<RunView>('POST', `/v1/datasets/${encodeURIComponent(id)}/profile`);
  const known = async (id: string, rows: number) => eventually(async () => (await get(id)).json, ({ sketch }) => sketch?.rows === rows);

  beforeAll(async () => {
    await bus.subscribe('listener', ['etl.pipeline.events', 'etl.run.events', 'etl.task.commands'], async ({ headers, value }: WireMessage) => { said.push(`${headers['ce_type']} ${Buffer.from(value).toString()}`); });
    worker = await aScriptedWorker(bus, DEFAULT_TENANT.id, answer);
    orchestrator = await aScheduledService({ bus, suite: 'datasets' });
  }, 60_000);
  afterAll(async () => { await orchestrator?.service.stop(); await worker?.close(); });

  it('is nothing before somebody asks', async () => {
    expect((await get('ops.public.flights')).json).toEqual({ connection: 'ops', dataset: 'public.flights', catalogue: null, catalogueAt: null, sketch: null, earlier: [], runId: null });
    expect((await get('nobody.public.flights')).status).toBe(404);
    expect((await get('no dataset')).status).toBe(422);
    expect((await get('ops:folder/**/*.parquet')).json).toMatchObject({ dataset: 'folder/**/*.parquet' });
  });
  it('is what its catalogue said once it was planned with, and what its values are like once a run has read it', async () => {
    const { planId } = await orchestrator.deploy(merging('flights_one', null));
    expect((await get('ops.public.flights')).json).toMatchObject({ catalogue: { connector: 'postgres', fingerprint: 'a'.repeat(64) }, sketch: null });
    expect(taken.size).toBe(0);
    await orchestrator.call('POST', `/v1/plans/${planId!}/runs`);
    expect(await known('ops.public.flights', 1)).toMatchObject({ sketch: { columns: [{ name: 'origin', nulls: 1 }] }, earlier: [] });
  });
  it('is not read again by a run of the same shape', async () => {
    const { planId } = await orchestrator.deploy(merging('flights_two', null));
    const { json: run } = await orchestrator.call<RunView>('POST', `/v1/plans/${planId!}/runs`);
    await eventually(async () => (await orchestrator.call<RunView>('GET', `/v1/runs/${run.runId}`)).json.state, (state) => state === 'succeeded');
    expect(taken.size).toBe(1);
  });
  it('is read again for who asks, once for all who do, and remembers a few of those before', async () => {
    sketching = 'silent';
    const [one, other] = [await post('ops.public.flights'), await post('ops.public.flights')];
    expect([one.status, one.json.kind, other.json.runId]).toEqual([202, 'sketch', one.json.runId]);
    expect((await get('ops.public.flights')).json.runId).toBe(one.json.runId);
    const { taskRunId, runId } = (await eventually(async () => worker.commands.find((command) => command.runId === one.json.runId), (command) => command !== undefined))!;
    await orchestrator.call('POST', `/v1/runs/${runId}/cancel`);
    await worker.report('task.run.cancelled.v1', { taskRunId, runId, attempt: 1 });
    await eventually(async () => (await get('ops.public.flights')).json.runId, (live) => live === null);
    sketching = 'at-once';
    for (const rows of [3, 4, 5, 6, 7, 8, 9]) { await post('ops.public.flights'); await known('ops.public.flights', rows); }
    const { earlier } = (await get('ops.public.flights')).json;
    expect(earlier.map(({ rows }) => rows)).toEqual([8, 7, 6, 5, 4]);
    expect(earlier[0]).toMatchObject({ columns: [{ name: 'origin', nulls: 1, distinct: 5 }] });
  });
  it('is in no message but the answer of the worker, and runs of it are not listed among those that move rows', async () => {
    expect(said.filter((text) => text.includes('linear-counting'))).toEqual([]);
    expect((await orchestrator.call<{ items: RunView[] }>('GET', '/v1/runs')).json.items.every(({ kind }) => kind === 'copy')).toBe(true);
  });
});
