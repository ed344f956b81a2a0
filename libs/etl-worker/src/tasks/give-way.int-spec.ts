import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Connector } from '@agent-etl/connectors';
import { type SketchTask, type TaskCommand } from '@agent-etl/contracts';
import { describePostgres } from '@agent-etl/persistence/testing';
import { v7 } from 'uuid';
import { AWorkplace } from '../testing/a-worker.ts';
import { aCommand, aLoad } from '../testing/an-attempt.ts';
import { ScriptedStore } from '../testing/scripted-store.ts';

const sketchTask: SketchTask = { id: 'sketch', kind: 'sketch', source: { connection: 'from', dataset: 'public.a' }, when: 'asked', most: { rows: 1, seconds: 1 } };
const fresh = (task: TaskCommand['task']): TaskCommand => aCommand(task, { taskRunId: v7(), runId: v7() });
/** A source whose profile takes until somebody wants the slot. */
const endless = (store: ScriptedStore): Connector => {
  const connector = store.connector();
  return { ...connector, open: async (...given) => ({ ...await connector.open(...given), sketch: (_task, { signal }) => new Promise((_, reject) => { signal.addEventListener('abort', () => { reject(signal.reason as Error); }); }) }) };
};

describePostgres('a profile of values', () => {
  let place: AWorkplace;
  beforeAll(async () => { place = await AWorkplace.open('give_way'); });
  afterEach(() => place.rest());
  afterAll(() => place?.close());

  it('gives its slot up to a load that comes, and is no counted failure', async () => {
    await place.worker({ connectors: { postgres: endless(new ScriptedStore(10, 1)) } }, { ETL_ETL_WORKER_SLOTS: '1' });
    const [profile, load] = [fresh(sketchTask), fresh(aLoad())];
    await place.command(profile);
    await place.event('task.run.started.v1', profile);
    await place.command(load);
    expect((await place.event('task.run.failed.v1', profile)).failure).toMatchObject({ code: 'worker.stopping' });
    expect((await place.event('task.run.succeeded.v1', load)).result).toMatchObject({ read: 10 });
  });
  it('that nobody waits for does not even share its worker, and begins again when that is idle', async () => {
    const store = new ScriptedStore(10, 1);
    await place.worker({ connectors: { postgres: endless(store) } }, { ETL_ETL_WORKER_SLOTS: '2' });
    const [profile, load] = [fresh({ ...sketchTask, when: 'idle' }), fresh(aLoad())];
    await place.command(profile);
    await place.event('task.run.started.v1', profile);
    await place.command(load);
    expect((await place.event('task.run.failed.v1', profile)).failure).toMatchObject({ code: 'worker.stopping' });
    await place.event('task.run.succeeded.v1', load);
    const again = { ...profile, attempt: 2 };
    await place.command(again);
    await place.event('task.run.started.v1', again);
    await place.cancel(again);
    await place.event('task.run.cancelled.v1', again);
  });
  it('keeps its slot while nobody wants it, and is claimed after everything else that waits', async () => {
    const idle = await place.worker({ connectors: { postgres: endless(new ScriptedStore(10, 1)) } }, { ETL_ETL_WORKER_SLOTS: '0' });
    const [profile, load] = [fresh(sketchTask), fresh(aLoad())];
    await place.command(profile);
    await place.command(load);
    await place.worker({ connectors: { postgres: endless(new ScriptedStore(10, 1)) } }, { ETL_ETL_WORKER_SLOTS: '1' });
    await place.event('task.run.succeeded.v1', load);
    await place.event('task.run.started.v1', profile);
    expect(place.heard.findIndex(({ payload, type }) => type === 'task.run.started.v1' && payload.taskRunId === profile.taskRunId)).toBeGreaterThan(place.heard.findIndex(({ payload, type }) => type === 'task.run.succeeded.v1' && payload.taskRunId === load.taskRunId));
    await place.cancel(profile);
    await place.event('task.run.cancelled.v1', profile);
    expect(idle).toBeDefined();
  });
});
