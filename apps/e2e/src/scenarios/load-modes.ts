import { expect, it } from '@jest/globals';
import { endpoints } from '@agent-etl/contracts';
import { ask, between, copy, fresh, inShop, inWarehouse, untilRun } from '../steps.ts';
import type { World } from '../world.ts';

export function loadModes(world: () => World): void {
  it('merges with deletes only after a person said yes, says what became of each row, and stops before an empty source empties the target', async () => {
    const table = fresh('merged');
    await inShop(world(), `create table ${table} (id int primary key, v text); insert into ${table} select n, 'v' || n from generate_series(1, 100) as n`);
    const pipeline = between(`shop|public.${table}`, `warehouse|mart.${table}`, { load: 'merge' });
    await copy(world(), pipeline);
    await inShop(world(), `delete from ${table} where id <= 2; update ${table} set v = null where id in (3, 4, 5); insert into ${table} values (101, 'v101')`);
    const merge = async (): Promise<Awaited<ReturnType<typeof untilRun>>> => {
      const { state, planId, requestId } = await ask(world(), pipeline);
      expect(state).toBe('waiting');
      await world().client.call(endpoints.approvePlan, { params: { planId: planId! } });
      const { runId } = await world().client.call(endpoints.getRequest, { params: { requestId }, query: { wait: 60 } });
      return untilRun(world(), runId!);
    };
    expect((await merge()).receipt).toMatchObject({ reconciled: true, written: 99, published: 4, inserted: 1, updated: 3, deleted: 2, unchanged: 95 });
    const whole = `select md5(string_agg(t::text, '|' order by id)) as digest from`;
    expect(await inWarehouse(world(), `${whole} mart.${table} as t`)).toEqual(await inShop(world(), `${whole} ${table} as t`));
    await inShop(world(), `delete from ${table}`);
    expect((await merge()).failure).toMatchObject({ code: 'sink.too-many-deletes' });
    expect(await inWarehouse(world(), `select count(*)::int as n from mart.${table}`)).toEqual([{ n: 99 }]);
  });
  it('keeps every version of a row, and shows the source as each run has read it', async () => {
    const table = fresh('versions');
    await inShop(world(), `create table ${table} (id int primary key, v text); insert into ${table} select n, 'v' || n from generate_series(1, 100) as n`);
    const pipeline = between(`shop|public.${table}`, `warehouse|mart.${table}`, { load: 'scd2', deletes: 'close' });
    const seen: { asOf: string; rows: unknown }[] = [];
    for (const change of ['select 1', `delete from ${table} where id = 1; update ${table} set v = null where id = 2; insert into ${table} values (101, 'v101')`, 'select 1', `insert into ${table} values (1, 'back')`]) {
      await inShop(world(), change);
      const { tasks, receipt } = await copy(world(), pipeline);
      const result = tasks.find(({ kind }) => kind === 'publish')?.result;
      seen.push({ asOf: result?.kind === 'publish' ? result.asOf! : '', rows: await inShop(world(), `select md5(string_agg(row(id, v)::text, '|' order by id)) as digest from ${table}`) });
      expect(receipt?.reconciled).toBe(true);
    }
    for (const { asOf, rows } of seen) {
      expect(await inWarehouse(world(), `select md5(string_agg(row(id, v)::text, '|' order by id)) as digest from mart.${table} where valid_from <= '${asOf}' and (valid_to is null or valid_to > '${asOf}')`)).toEqual(rows);
    }
    expect(await inWarehouse(world(), `select count(*)::int as versions, count(valid_to)::int as ended from mart.${table}`)).toEqual([{ versions: 103, ended: 2 }]);
  });
}
