import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DEFAULT_TENANT, type Pipeline, type PipelineView, type RunView } from '@agent-etl/contracts';
import { InMemoryBus } from '@agent-etl/messaging';
import { sql } from '@agent-etl/persistence';
import { describePostgres } from '@agent-etl/persistence/testing';
import { aProfile } from '@agent-etl/planning/testing';
import { type ScheduledService, aScheduledService, eventually, merging, nightly } from '../testing/scheduled-service.ts';
import { type Answer, type Command, type ScriptedWorker, aScriptedWorker, obedient, profileOf } from '../testing/scripted-worker.ts';

describePostgres('the schedule of a pipeline', () => {
  let world: ScheduledService;
  let worker: ScriptedWorker;
  let script: (command: Command) => Answer = obedient;
  let names = 0;
  const fresh = (): string => { names += 1; return `nightly_${names}`; };
  const deployed = async (more: Partial<Pipeline> = {}): Promise<string> => {
    const name = fresh();
    expect(await world.deploy({ ...merging(name), ...more })).toMatchObject({ state: 'planned', failure: null });
    return name;
  };
  const lastSlot = (name: string) => eventually(async () => (await world.view(name)).schedule?.lastSlot ?? null, (slot) => slot !== null);
  const change = (query: ReturnType<typeof sql>): Promise<unknown> => world.service.state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run(query));
  const idOf = (name: string) => sql`(select pipeline_id from pipeline where name = ${name})`;

  beforeAll(async () => {
    const bus = new InMemoryBus();
    worker = await aScriptedWorker(bus, DEFAULT_TENANT.id, (command) => script(command));
    world = await aScheduledService({ bus, suite: 'schedules' });
  }, 60_000);
  afterAll(async () => {
    await world?.service.stop();
    await worker?.close();
  });

  describe('is deployed with the plan', () => {
    it('by the policy, says when it is due next, and a newer plan takes its place', async () => {
      const name = await deployed();
      const first = await world.view(name);
      expect(first.schedule).toMatchObject({ ...nightly, planId: first.planId, pausedAt: null, lastSlot: null });
      expect(first.schedule!.nextAt! > new Date().toISOString()).toBe(true);
      await world.deploy(merging(name, { cron: '0 */6 * * *' }));
      const second = await world.view(name);
      expect(second.schedule).toMatchObject({ cron: '0 */6 * * *', timezone: 'UTC', planId: second.planId, nextAt: expect.stringMatching(/T(00|06|12|18):00:00\.000Z$/) as unknown });
      expect(second.planId).not.toBe(first.planId);
    });
    it('by a person, and not before', async () => {
      const name = fresh();
      const asked = await world.deploy({ ...merging(name), to: { connection: 'warehouse', dataset: `mart.${name}`, load: 'replace' } });
      expect([asked.state, (await world.view(name)).schedule]).toEqual(['waiting', null]);
      await world.call('POST', `/v1/plans/${asked.planId}/approve`);
      expect((await world.view(name)).schedule).toMatchObject({ ...nightly, planId: asked.planId });
    });
    it('and goes with a plan that has none, or that Airflow starts', async () => {
      const [without, airflow] = [await deployed(), await deployed()];
      await world.deploy(merging(without, null));
      await world.deploy({ ...merging(airflow), runOn: 'airflow' });
      expect([(await world.view(without)).schedule, (await world.view(airflow)).schedule]).toEqual([null, null]);
    });
    it('unless it never comes', async () => {
      const { status, json } = await world.call<{ code: string; text: string }>('POST', '/v1/requests', { pipeline: { version: 1, from: { connection: 'ops', dataset: 'public.flights' }, ...merging('never', { cron: '0 0 31 2 *' }) } });
      expect([status, json.code, json.text]).toEqual([422, 'request.invalid', '/pipeline/schedule/cron: names a time that never comes.']);
    });
  });

  describe('when a slot comes', () => {
    it('runs the approved plan, plans nothing, and looks ahead', async () => {
      const name = await deployed();
      const profiles = worker.commands.filter(({ task }) => task.kind === 'profile').length;
      await world.let(name, '1 second');
      const slot = await lastSlot(name);
      expect(slot).toMatchObject({ outcome: 'started', missed: 0, failure: null });
      expect((await world.call<RunView>('GET', `/v1/runs/${slot!.runId}?wait=10`)).json).toMatchObject({ state: 'succeeded', planId: (await world.view(name)).planId, requestId: null, receipt: { approvedBy: 'policy' } });
      expect(worker.commands.filter(({ task }) => task.kind === 'profile')).toHaveLength(profiles);
      const { schedule, lastRunId } = await world.view(name);
      expect([lastRunId, schedule!.nextAt! > new Date().toISOString()]).toEqual([slot!.runId, true]);
      await world.let(name, '1 second');
      expect(await eventually(() => world.slots(name), (slots) => slots.length === 2)).toMatchObject([{ outcome: 'started' }, { outcome: 'started' }]);
    });
    it('after three days without anybody, runs once and says how many were missed', async () => {
      const name = await deployed({ schedule: { cron: '15 1 * * *' } });
      await world.let(name, '72 hours');
      expect(await lastSlot(name)).toMatchObject({ outcome: 'started', missed: 3, slot: expect.stringMatching(/T01:15:00\.000Z$/) as unknown });
      expect(await world.runs(name)).toHaveLength(1);
    });
    it('while its run goes on, leaves the slot out and says for which run', async () => {
      script = (command) => (command.task.kind === 'load' ? 'silent' : obedient(command));
      const name = await deployed();
      await world.let(name, '1 second');
      const first = await lastSlot(name);
      await world.let(name, '0 seconds');
      expect(await eventually(() => world.slots(name), (slots) => slots.length === 2)).toMatchObject([{ outcome: 'started' }, { outcome: 'skipped', runId: first!.runId, code: 'request.conflict' }]);
      expect((await lastSlot(name))!.failure).toMatchObject({ text: `run ${first!.runId} of ${name} is running; another run into its target is not possible.` });
      script = obedient;
      await world.call('POST', `/v1/runs/${first!.runId}/cancel`);
    });
    it('records why the plan cannot run any more, and goes on to the next', async () => {
      const name = await deployed();
      script = (command) => (command.task.kind === 'profile' ? { result: profileOf({ source: aProfile({ fingerprint: 'e'.repeat(64) }), target: { ...profileOf().source, connection: 'warehouse' as never } }) } : obedient(command));
      await world.deploy({ ...merging(name), to: { connection: 'warehouse', dataset: `mart.${name}`, load: 'replace' } });
      script = obedient;
      await world.let(name, '1 second');
      expect(await lastSlot(name)).toMatchObject({ outcome: 'failed', runId: null, failure: { code: 'plan.stale' } });
      expect([(await world.runs(name)).length, (await world.view(name)).schedule!.nextAt! > new Date().toISOString()]).toEqual([0, true]);
    });
    it('that nobody can read, gives it up after some tries and keeps no other waiting', async () => {
      const [broken, sound] = [await deployed(), await deployed()];
      await change(sql`update plan set plan = '{"of":"tomorrow"}' where pipeline_id = ${idOf(broken)}`);
      await change(sql`update schedule set tries = 1 where pipeline_id = ${idOf(broken)}`);
      await world.let(broken, '2 seconds');
      await world.let(sound, '1 second');
      expect(await lastSlot(sound)).toMatchObject({ outcome: 'started' });
      expect(await lastSlot(broken)).toMatchObject({ outcome: 'failed', failure: { code: 'platform.internal' } });
      expect((await world.view(broken)).schedule!.nextAt).not.toBeNull();
    });
  });

  describe('that is paused', () => {
    const post = (name: string, what: 'pause' | 'resume') => world.call<PipelineView & { code: string; next: string }>('POST', `/v1/pipelines/${name}/${what}`);
    it('starts nothing, stays so with a newer plan, and goes on with the next slot when it is resumed', async () => {
      const name = await deployed();
      await world.let(name, '-2 seconds');
      const paused = (await post(name, 'pause')).json.schedule;
      expect(paused).toMatchObject({ nextAt: null, pausedBy: 'editor' });
      expect((await post(name, 'pause')).json.schedule).toEqual(paused);
      await world.deploy(merging(name, { cron: '*/5 * * * *' }));
      expect((await world.view(name)).schedule).toMatchObject({ cron: '*/5 * * * *', nextAt: null, pausedBy: 'editor' });
      await new Promise((done) => { setTimeout(done, 2_500); });
      expect([await world.slots(name), await world.runs(name)]).toEqual([[], []]);
      const resumed = (await post(name, 'resume')).json.schedule;
      expect(resumed).toMatchObject({ pausedAt: null, pausedBy: null, nextAt: expect.stringMatching(/:[0-5][05]:00\.000Z$/) as unknown });
      expect((await post(name, 'resume')).json.schedule).toEqual(resumed);
      await world.let(name, '1 second');
      expect(await lastSlot(name)).toMatchObject({ outcome: 'started' });
    });
    it('must be one that workers keep', async () => {
      const [none, airflow] = [await deployed({ schedule: undefined as never }), await deployed({ runOn: 'airflow' })];
      expect(await post(none, 'pause')).toMatchObject({ status: 409, json: { code: 'request.conflict', next: expect.stringContaining('agent-etl apply') as unknown } });
      expect(await post(airflow, 'resume')).toMatchObject({ status: 409, json: { code: 'request.conflict', next: 'Airflow starts it: pause its DAG there' } });
      expect((await post('nowhere', 'pause')).status).toBe(404);
    });
  });
  it('is in the list of pipelines', async () => {
    const name = await deployed();
    const { items } = (await world.call<{ items: PipelineView[] }>('GET', '/v1/pipelines?limit=500')).json;
    expect(items.find((item) => item.name === name)?.schedule).toMatchObject(nightly);
  });
});
