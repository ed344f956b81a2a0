import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type BackfillView, DEFAULT_TENANT, type LoadTask, type PublishTask, type RunView } from '@agent-etl/contracts';
import { InMemoryBus } from '@agent-etl/messaging';
import { describePostgres } from '@agent-etl/persistence/testing';
import { testTokens } from '@agent-etl/service-kit/testing';
import { type ScheduledService, aScheduledService, eventually } from '../testing/scheduled-service.ts';
import { type Answer, type Command, type ScriptedWorker, aScriptedWorker, loadOf, obedient, publishOf } from '../testing/scripted-worker.ts';

const week = { from: '2026-03-01', to: '2026-03-04', step: '1d' };

describePostgres('a backfill', () => {
  let orchestrator: ScheduledService;
  let worker: ScriptedWorker;
  let script: (command: Command) => Answer | null = () => null;
  const bus = new InMemoryBus({ repeat: 0.3, seed: 11 });
  const answer = (command: Command): Answer => {
    const said = script(command);
    if (said) return said;
    if (command.task.kind === 'load' && command.task.slice) return { result: loadOf(100) };
    if (command.task.kind === 'publish' && command.task.slice) return { result: publishOf(100, { published: 7, inserted: 4, updated: 3, extra: 1 }) };
    return obedient(command);
  };
  const post = async (name: string, body: object, key?: string) => {
    const answered = await fetch(`${orchestrator.service.url}/v1/pipelines/${name}/backfills`, { method: 'POST', headers: { authorization: `Bearer ${testTokens.editor}`, 'content-type': 'application/json', ...(key ? { 'idempotency-key': key } : {}) }, body: JSON.stringify(body) });
    return { status: answered.status, json: await answered.json() as BackfillView & { code: string; text: string; next: string } };
  };
  const get = async ({ pipeline, backfillId }: BackfillView): Promise<BackfillView> => (await orchestrator.call<BackfillView>('GET', `/v1/pipelines/${pipeline}/backfills/${backfillId}`)).json;
  const ended = (view: BackfillView): Promise<BackfillView> => eventually(() => get(view), ({ state }) => state !== 'running' && state !== 'waiting');
  const slices = (name: string): Command[] => [...new Map(worker.commands.filter(({ task }) => task.kind === 'load' && task.slice && task.target.dataset === `mart.${name}`).map((command) => [command.taskRunId, command])).values()];
  /** A pipeline whose plan carries a cursor and has run. */
  async function ran(name: string): Promise<string> {
    const { planId } = await orchestrator.deploy({ name, to: { connection: 'warehouse', dataset: `mart.${name}` } });
    const { json: run } = await orchestrator.call<RunView>('POST', `/v1/plans/${planId!}/runs`);
    await eventually(async () => (await orchestrator.call<RunView>('GET', `/v1/runs/${run.runId}`)).json.state, (state) => state === 'succeeded');
    return planId!;
  }

  beforeAll(async () => {
    worker = await aScriptedWorker(bus, DEFAULT_TENANT.id, answer);
    orchestrator = await aScheduledService({ bus, suite: 'backfills' });
  }, 60_000);
  afterAll(async () => { await orchestrator?.service.stop(); await worker?.close(); });

  it('reads its sub-slices one after another, by the approved plan and without a position, and each has a receipt', async () => {
    const planId = await ran('one');
    const { status, json } = await post('one', week);
    expect([status, json.planId, json.column, json.decisions.map(({ choice }) => choice)]).toEqual([202, planId, 'updated_at', ['upsert by flight_id']]);
    const done = await ended(json);
    expect(done).toMatchObject({ state: 'succeeded', slices: [1, 2, 3].map((day) => ({ from: `2026-03-0${day}T00:00:00.000Z`, state: 'succeeded', read: 100, changed: 7, extra: 1 })) });
    expect(slices('one').map(({ task }) => [(task as LoadTask).slice?.from, (task as LoadTask).cursor])).toEqual([1, 2, 3].map((day) => [`2026-03-0${day}T00:00:00.000Z`, undefined]));
    const runs = await Promise.all(done.slices.map(async ({ runId }) => (await orchestrator.call<RunView>('GET', `/v1/runs/${runId!}`)).json));
    expect(runs[1]?.receipt).toMatchObject({ read: 100, filtered: 93, written: 7, reconciled: true, slice: { column: 'updated_at', from: '2026-03-02T00:00:00.000Z', to: '2026-03-03T00:00:00.000Z', extra: 1 } });
    expect(runs.map(({ startedAt }, index) => index === 0 || startedAt! >= runs[index - 1]!.finishedAt!)).toEqual([true, true, true]);
    const publish = worker.commands.find(({ task }) => task.kind === 'publish' && task.slice)?.task as PublishTask;
    expect([publish.how, publish.key, publish.level]).toEqual(['upsert', ['flight_id'], 'full']);
  });
  it('has one effect for one key, and is listed', async () => {
    await ran('keyed');
    const [first, second] = [await post('keyed', week, 'k1'), await post('keyed', week, 'k1')];
    expect(second.json.backfillId).toBe(first.json.backfillId);
    expect((await post('keyed', { ...week, to: '2026-03-05' }, 'k1')).json.code).toBe('request.key-reused');
    await ended(first.json);
    expect((await orchestrator.call<{ items: BackfillView[] }>('GET', '/v1/pipelines/keyed/backfills?limit=1')).json.items).toMatchObject([{ backfillId: first.json.backfillId, state: 'succeeded' }]);
  });
  it('waits while another run writes its target, and keeps a second one out', async () => {
    await ran('busy');
    script = ({ task }) => (task.kind === 'load' && task.target.dataset === 'mart.busy' ? 'silent' : null);
    const { planId } = await orchestrator.deploy({ name: 'other', to: { connection: 'warehouse', dataset: 'mart.busy', load: 'replace' } });
    await orchestrator.call('POST', `/v1/plans/${planId!}/approve`);
    const { json: run } = await orchestrator.call<RunView>('POST', `/v1/plans/${planId!}/runs`);
    const { json } = await post('busy', week);
    expect(json).toMatchObject({ state: 'waiting', slices: [{ runId: null }, {}, {}] });
    expect((await post('busy', week)).json).toMatchObject({ code: 'request.conflict' });
    script = () => null;
    await orchestrator.call('POST', `/v1/runs/${run.runId}/cancel`);
    const { taskRunId, runId } = await eventually(() => Promise.resolve(worker.commands.find((command) => command.runId === run.runId)), Boolean) as Command;
    await worker.report('task.run.cancelled.v1', { taskRunId, runId, attempt: 1 });
    expect(await ended(json)).toMatchObject({ state: 'succeeded' });
  });
  it('ends at the first slice that fails, says which, and is not run again as a whole by its run', async () => {
    await ran('broken');
    script = ({ task }) => (task.kind === 'load' && task.slice?.from.startsWith('2026-03-02') ? { fails: 'data.value-out-of-range' } : null);
    const done = await ended((await post('broken', week)).json);
    expect(done).toMatchObject({ state: 'failed', slices: [{ state: 'succeeded' }, { state: 'failed', failure: { code: 'data.value-out-of-range' } }, { state: 'waiting', runId: null }] });
    expect((await orchestrator.call<{ code: string; text: string }>('POST', `/v1/runs/${done.slices[1]!.runId!}/retry`)).json).toMatchObject({ code: 'request.conflict' });
    script = () => null;
    expect(await ended((await post('broken', { ...week, from: '2026-03-02' })).json)).toMatchObject({ state: 'succeeded', slices: [{}, {}] });
  });
  it('is refused with the reason', async () => {
    expect((await post('nobody', week)).json).toMatchObject({ code: 'access.not-found' });
    await ran('refused');
    expect((await post('refused', { from: '2026-03-02', to: '2026-03-01' })).json).toMatchObject({ code: 'request.invalid' });
    expect((await post('refused', { from: 'yesterday', to: '2026-03-01' })).json).toMatchObject({ code: 'request.invalid' });
    await orchestrator.deploy({ name: 'planned_only', to: { connection: 'warehouse', dataset: 'mart.planned_only', load: 'append' }, from: { connection: 'ops', dataset: 'public.flights', select: ['departed_at', 'origin'] } });
    expect((await post('planned_only', week)).json).toMatchObject({ code: 'plan.refused', text: expect.stringContaining('needs a cursor') });
  });
});
