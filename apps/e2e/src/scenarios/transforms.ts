import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { endpoints } from '@agent-etl/contracts';
import { between, copy, failureOf, fresh, inShop, inWarehouse } from '../steps.ts';
import type { World } from '../world.ts';

const rows = `select n, case n % 4 when 0 then 'test' when 1 then null else 'paid' end, n * 1.25, 'C' || n % 3, timestamp '2001-01-01' + n * interval '1 hour' from generate_series(1, 1000) as n`;
const steps = [{ filter: "status <> 'test'" }, { derive: { total_eur: 'round(total * 0.92, 2)', day: 'cast("at" as date)' } }, { rename: { id: 'order_id' } }, { drop: ['status', 'at'] }];

export function transforms(world: () => World): void {
  const orders = async (): Promise<string> => {
    const table = fresh('orders');
    await inShop(world(), `create table ${table} (id bigint primary key, status text, total numeric(12,2), customer text, at timestamp); insert into ${table} ${rows}`);
    return table;
  };
  it('computes steps while a table is read, in pieces, and says what the filter left out', async () => {
    const table = await orders();
    const run = await copy(world(), { ...between(`shop|public.${table}`, `warehouse|mart.${table}`), steps });
    expect(run.receipt).toMatchObject({ reconciled: true, level: 'full', read: 1000, filtered: 500, rejected: 0, written: 500 });
    const digest = 'select count(*), md5(string_agg(t::text, \'|\' order by order_id)) as digest from';
    expect(await inWarehouse(world(), `${digest} mart.${table} as t`)).toEqual(await inShop(world(), `${digest} (select id as order_id, total, customer, at::date as day, round(total * 0.92, 2) as total_eur from ${table} where status <> 'test') as t`));
  });
  it('means the same from a file as from a table', async () => {
    const table = await orders();
    await copy(world(), between(`shop|public.${table}`, `files|${table}.parquet`));
    const grouped = [...steps, { aggregate: { by: ['day', 'customer'], measures: [{ as: 'orders', fn: 'count' as const }, { as: 'eur', fn: 'sum' as const, arg: 'total_eur' }, { as: 'mean', fn: 'avg' as const, arg: 'total' }, { as: 'dear', fn: 'count' as const, where: 'total > 600' }] } }];
    const [fromTable, fromFile] = [await copy(world(), { ...between(`shop|public.${table}`, `files|${table}_a.csv`), steps: grouped }), await copy(world(), { ...between(`files|${table}.parquet`, `files|${table}_b.csv`), steps: grouped })];
    expect(fromTable.receipt).toMatchObject({ reconciled: true, read: 1000, filtered: 500, rejected: 0, grouped: 500 });
    expect(fromFile.receipt).toMatchObject({ read: 1000, filtered: 500, grouped: 500, written: fromTable.receipt?.written, sourceDigest: fromTable.receipt?.sourceDigest });
    const lines = async (name: string): Promise<string[]> => (await readFile(join(world().folder, name), 'utf8')).split('\n').sort();
    expect(await lines(`${table}_b.csv`)).toEqual(await lines(`${table}_a.csv`));
  });
  it('keeps one row for each key, and the first of an order', async () => {
    const table = fresh('latest');
    await writeFile(join(world().folder, `${table}.csv`), 'id,at,state\n1,2001-01-01,new\n1,2001-01-03,sent\n2,2001-01-02,new\n3,2001-01-01,new\n1,2001-01-02,paid\n');
    await copy(world(), { ...between(`files|${table}.csv`, `files|${table}.ndjson`), steps: [{ dedupe: { keys: ['id'], keep: [{ column: 'at', dir: 'desc' }] } }, { limit: { n: 2, by: [{ column: 'id' }] } }] });
    expect((await readFile(join(world().folder, `${table}.ndjson`), 'utf8')).trim().split('\n').sort()).toEqual(['{"id":1,"at":"2001-01-03","state":"sent"}', '{"id":2,"at":"2001-01-02","state":"new"}']);
  });
  it('ranks, turns, samples, masks and opens documents alike from a table and from a file', async () => {
    const table = fresh('sales');
    await inShop(world(), `create table ${table} (id bigint primary key, email text, q1 numeric(12,2), q2 numeric(12,2), doc text); insert into ${table}
      select n, 'customer' || n % 10 || '@example.org', n * 1.5, case when n % 3 > 0 then n * 0.25 end, '{"tags":["t' || n % 4 || '","all"],"at":{"city":"C' || n % 5 || '"}}' from generate_series(1, 200) as n`);
    await copy(world(), between(`shop|public.${table}`, `files|${table}.parquet`));
    const around = [
      { json: { column: 'doc', fields: [{ as: 'city', path: ['at', 'city'] }, { as: 'tag', path: ['tags', 0] }] } }, { drop: ['doc'] }, { unpivot: { columns: ['q1', 'q2'], nameTo: 'quarter', valueTo: 'amount', nulls: 'drop' as const } },
      { window: { partitionBy: ['email', 'quarter'], orderBy: [{ column: 'id' }], columns: [{ as: 'nth', fn: 'row_number' as const }, { as: 'so_far', fn: 'sum' as const, arg: 'amount', rows: 'running' as const }, { as: 'before', fn: 'lag' as const, arg: 'amount' }] } },
      { mask: { column: 'email', method: 'sha256' as const } }, { sample: { key: ['id'], fraction: 0.5, seed: 3 } }];
    const made = async (from: string, steps: readonly object[]) => (await copy(world(), { ...between(from, `files|${fresh('made')}.csv`), steps: [...steps] })).receipt;
    const [ofTable, ofFile] = [await made(`shop|public.${table}`, around), await made(`files|${table}.parquet`, around)];
    const rows = await inShop(world(), `select count(*)::int as n from ${table}, lateral (values (q1), (q2)) as v(amount) where amount is not null and left(md5('3|' || id), 8) < '80000000'`);
    expect([ofTable?.grouped, ofTable?.written, ofTable?.sourceDigest]).toEqual([200, rows[0]?.['n'], ofFile?.sourceDigest]);
    const pivot = [{ flatten: { column: 'doc', fields: [{ as: 'x', path: ['none'] }] } }, { pivot: { by: ['email'], key: 'x', values: [{ value: 'a', as: 'a' }], fn: 'count' as const } }];
    expect((await made(`shop|public.${table}`, pivot))?.written).toBe(0);
  });
  it('lets personal data into no target that may not hold it, and says in the plan where it goes', async () => {
    const table = fresh('people');
    await inShop(world(), `create table ${table} (id bigint primary key, email text); insert into ${table} values (1, 'ada@example.org')`);
    const asked = between(`shop|public.${table}`, `warehouse|mart.${table}`);
    const run = await copy(world(), { ...asked, from: { ...asked.from, pii: ['email'] }, steps: [{ derive: { domain: "split_part(email, '@', 2)" } }, { mask: { column: 'email', method: 'last4' as const } }] });
    expect(await inWarehouse(world(), `select * from mart.${table}`)).toEqual([{ id: '1', email: '****.org', domain: 'example.org' }]);
    const plan = await world().client.call(endpoints.getPlan, { params: { planId: run.planId! } });
    expect(plan.lineage).toEqual([{ column: 'id', from: ['id'], pii: [], masked: [] }, { column: 'email', from: ['email'], pii: [], masked: ['email'] }, { column: 'domain', from: ['email'], pii: ['email'], masked: [] }]);
    expect(plan.risks).toEqual([`\`domain\` holds personal data of \`email\` as it is, in warehouse.mart.${table}.`]);
  });
  it.each([
    ['a function that is not there', { filter: 'pg_sleep(1) is null' }, 'SQL_FUNCTION', '/pipeline/steps/0/filter'], ['a query inside', { derive: { x: '(select max(password) from users)' } }, 'SQL_NODE', '/pipeline/steps/0/derive/x'],
    ['a column that is not there', { filter: 'totall > 1' }, 'SQL_COLUMN', '/pipeline/steps/0/filter'], ['a second statement', { filter: 'true; drop table users' }, 'SQL_SYNTAX', '/pipeline/steps/0/filter'], ['a sort that nothing needs', { sort: [{ column: 'id' }] }, 'STEP_SORT_LOST', '/pipeline/steps/0/sort'], ['a rank without an order', { window: { columns: [{ as: 'n', fn: 'row_number' as const }] } }, 'STEP_ORDER_NOT_TOTAL', '/pipeline/steps/0/window'], ['a sum of text and number', { derive: { x: 'total + customer' } }, 'SQL_TYPE', '/pipeline/steps/0/derive'],
  ])('refuses %s, and says where', async (_, step, code, path) => {
    const table = await orders();
    const failure = await failureOf(world(), { ...between(`shop|public.${table}`, `warehouse|mart.${table}`), steps: [step] });
    expect([failure.code, failure.issues?.map((issue) => [issue.code, issue.path])]).toEqual(['sql.rejected', [[code, path]]]);
  });
}
