import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DEFAULT_TENANT } from '@agent-etl/contracts';
import { type StateDatabase, platformMigrations } from '@agent-etl/persistence';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { Changes } from './changes.service.ts';

describePostgres('who waits for a change', () => {
  let database: TestState;
  let state: StateDatabase;
  let replica: StateDatabase;
  let changes: Changes;
  let other: Changes;
  const value = { now: 'old', reads: 0 };
  const look = { read: async () => { value.reads += 1; return value.now; }, settled: (answer: string) => answer === 'new' };
  const waiting = async (seconds: number): Promise<{ answer: string; ms: number; reads: number }> => {
    Object.assign(value, { now: 'old', reads: 0 });
    const began = performance.now();
    const answer = await changes.until('it', seconds, look);
    return { answer, ms: performance.now() - began, reads: value.reads };
  };
  const change = (by: Changes): Promise<void> => (by === changes ? state : replica).inTenantTx(DEFAULT_TENANT.id, async (tx) => { value.now = 'new'; await by.changed(tx, 'it'); });

  beforeAll(async () => {
    database = await aStateDatabase('changes', [{ schema: 'orchestrator', migrations: platformMigrations() }]);
    [state, replica] = [await database.open('orchestrator'), await database.open('orchestrator')];
    [changes, other] = [new Changes(state), new Changes(replica)];
    await changes.start();
  });
  afterAll(async () => {
    await changes.stop();
    await database.drop();
  });

  it.each<[string, () => Changes]>([['this process', () => changes], ['another replica', () => other]])('hears at once of a commit in %s', async (_, by) => {
    const answered = waiting(20);
    await sleep(100);
    await change(by());
    expect(await answered).toMatchObject({ answer: 'new' });
    expect((await answered).ms).toBeLessThan(2_000);
  });
  it('sees a change whose word was lost within its sweep', async () => {
    const answered = waiting(20);
    await sleep(100);
    value.now = 'new';
    expect(await answered).toMatchObject({ answer: 'new', reads: 2 });
    expect((await answered).ms).toBeLessThan(6_000);
  });
  it('is answered with what there is when its seconds are over', async () => {
    const { answer, ms } = await waiting(0.3);
    expect([answer, ms >= 300, ms < 1_500]).toEqual(['old', true, true]);
  });
});
