import { expect, it } from '@jest/globals';
import { endpoints } from '@agent-etl/contracts';
import { ask, between, fresh, inShop, inWarehouse } from '../steps.ts';
import type { World } from '../world.ts';

export function airflow(world: () => World): void {
  it('runs the tasks of a DAG when its calls come, and answers with the receipt', async () => {
    const table = fresh('dag');
    await inShop(world(), `create table ${table} (id int primary key); insert into ${table} select generate_series(1, 100)`);
    const view = await ask(world(), { ...between(`shop|public.${table}`, `warehouse|mart.${table}`), runOn: 'airflow', schedule: { cron: '15 1 * * *', timezone: 'Europe/Lisbon' } });
    const plan = await world().client.call(endpoints.getPlan, { params: { planId: view.planId! } });
    expect(await inWarehouse(world(), `select to_regclass('mart.${table}') as t`)).toEqual([{ t: null }]);
    for (const task of [...plan.tasks.map(({ id }) => id), 'receipt']) {
      const body = { dag_id: 'd', run_id: 'scheduled__1', task, try: 1, max_tries: 3, wait_s: 30 };
      const call = () => world().client.call(endpoints.putAirflowTaskRun, { params: { planId: plan.planId }, body });
      let state = await call();
      while (state.state === 'queued' || state.state === 'running') state = await call();
      expect([task, state.state, state.code]).toEqual([task, 'succeeded', null]);
      if (task === 'receipt') expect(state.receipt).not.toBeNull();
    }
    expect(await inWarehouse(world(), `select count(*)::int as n from mart.${table}`)).toEqual([{ n: 100 }]);
    const dag = await world().client.call(endpoints.getDag, { params: { planId: plan.planId } });
    expect(dag.text).toContain(plan.planId);
  });
}
