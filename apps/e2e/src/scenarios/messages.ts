import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { endpoints } from '@agent-etl/contracts';
import { between, fresh, inShop, inWarehouse, settle } from '../steps.ts';
import { type World, partOf } from '../world.ts';

export function messages(world: () => World): void {
  const known = async (requestId: string) => {
    for (let tries = 0; tries < 200; tries += 1) {
      const view = await world().client.call(endpoints.getRequest, { params: { requestId } }).catch(() => null);
      if (view) return settle(world(), view);
      await delay(100);
    }
    throw new Error(`${requestId} never arrived`);
  };
  it('takes a bare line, twice, with one effect, and is not held up by garbage before it', async () => {
    const table = fresh('line');
    await inShop(world(), `create table ${table} (id int primary key); insert into ${table} select generate_series(1, 20)`);
    const requestId = fresh('req');
    const line = JSON.stringify({ requestId, pipeline: between(`shop|public.${table}`, `warehouse|mart.${table}`), run: 'now' });
    const produce = partOf(world().produce);
    await produce('this is { no JSON');
    await produce(JSON.stringify({ requestId: `${requestId}-bad`, pipelin: 1 }));
    await produce(line);
    await produce(line);
    const view = await known(requestId);
    expect([view.state, view.runId === null]).toEqual(['finished', false]);
    expect(await inWarehouse(world(), `select count(*)::int as n from mart.${table}`)).toEqual([{ n: 20 }]);
    for (let tries = 0; tries < 100; tries += 1) {
      const { items } = await world().client.call(endpoints.listDeadLetters);
      if (items.length >= 2) return expect(items.every(({ app }) => app === 'orchestrator')).toBe(true);
      await delay(100);
    }
    throw new Error('the garbage is not in the dead letters');
  });
}
