import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { type Pipeline, type RunId, type TopicName, endpoints } from '@agent-etl/contracts';
import { KafkaBus } from '@agent-etl/messaging';
import { type Scene, rowsOf, toVault, whileHeld } from '../ground.ts';
import { expectSound } from '../soundness.ts';
import { begin, fresh, request, runOf, settle, untilGreen } from '../steps.ts';
import { partOf } from '../world.ts';

const AWAY_MS = 30_000;
const EVERY_MS = 5_000;
const progress = 'task.run.progressed.v1';

/** What was said about runs, in the order of each topic, without repeats and progress, once the end of each has been read. */
async function toldOf(brokers: readonly string[], runIds: readonly RunId[]): Promise<Map<string, string[]>> {
  const bus = new KafkaBus({ brokers, clientId: 'history' });
  const [told, seen] = [new Map<string, string[]>(), new Set<string>()];
  const topics: TopicName[] = ['etl.run.events', 'etl.task.events'];
  const isAll = (): boolean => runIds.every((runId) => told.get(`etl.run.events ${runId}`)?.includes('run.finished.v1') && (told.get(`etl.task.events ${runId}`)?.length ?? 0) >= 4);
  try {
    await bus.subscribe(`history-${randomUUID()}`, topics, ({ topic, key, headers: { ce_id: id = '', ce_type: type = '' } }) => {
      if (!seen.has(id) && type !== progress) told.set(`${topic} ${key}`, [...told.get(`${topic} ${key}`) ?? [], type]);
      seen.add(id);
      return Promise.resolve();
    });
    for (const until = Date.now() + 30_000; !isAll() && Date.now() < until;) await delay(50);
  } finally { await bus.close(); }
  return told;
}

/** The broker is killed under the whole system, and comes back half a minute later with what it had. */
export function brokerAway({ world, ground }: Scene): void {
  it('takes requests while the broker is away for thirty seconds, and carries each out once', async () => {
    const { client } = world();
    const broker = partOf(world().broker);
    const target = fresh('inflight');
    const runId = await begin(world(), toVault(target));
    const asked: { name: string; requestId: string; pipeline: Pipeline }[] = [];
    await whileHeld(ground(), runId, () => broker.kill());
    try {
      for (const until = Date.now() + AWAY_MS; Date.now() < until; await delay(EVERY_MS)) {
        const name = fresh('letter');
        const one = { name, requestId: randomUUID(), pipeline: toVault(name, 'letter') };
        for (let tries = 0; tries < 2; tries += 1) expect((await request(world(), one.pipeline, one.requestId)).state).toMatch(/accepted|planning/);
        asked.push(one);
      }
    } finally { await broker.start(); }
    const runs = await Promise.all(asked.map(async ({ name, requestId, pipeline }) => {
      const run = await untilGreen(world(), (await runOf(world(), await settle(world(), await request(world(), pipeline, requestId)))).runId);
      expect(run.receipt).toMatchObject({ written: rowsOf.letter, published: rowsOf.letter });
      expect((await client.call(endpoints.listRuns, { query: { pipeline: pipeline.name } })).items).toHaveLength(1);
      return { runId: run.runId, name };
    }));
    expect((await untilGreen(world(), runId)).receipt).toMatchObject({ written: rowsOf.parcel, published: rowsOf.parcel });
    const told = await toldOf(broker.brokers, [runId, ...runs.map((run) => run.runId)]);
    for (const each of [runId, ...runs.map((run) => run.runId)]) {
      expect(told.get(`etl.run.events ${each}`)).toEqual(['run.started.v1', 'run.finished.v1']);
      expect(told.get(`etl.task.events ${each}`)).toEqual(['task.run.started.v1', 'task.run.succeeded.v1', 'task.run.started.v1', 'task.run.succeeded.v1']);
    }
    await expectSound(world(), ground(), { runId, wrote: { target } });
    for (const run of runs) await expectSound(world(), ground(), { runId: run.runId, wrote: { target: run.name, from: 'letter' } });
  }, 180_000);
}
