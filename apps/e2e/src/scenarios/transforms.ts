import { createHmac } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { endpoints } from '@agent-etl/contracts';
import { between, copy, failureOf, fresh, inShop, inWarehouse } from '../steps.ts';
import type { World } from '../world.ts';

const rows = `select n, case n % 4 when 0 then 'test' when 1 then null else 'paid' end, n * 1.25, 'C' || n % 3, timestamp '2001-01-01' + n * interval '1 hour' from generate_series(1, 1000) as n`;
const steps = [{ filter: "status <> 'test'" }, { derive: { total_eur: 'round(total * 0.92, 2)', day: 'cast("at" as date)' } }, { rename: { id: 'order_id' } }, { drop: ['status', 'at'] }];

/** @param key secret://masking#key */
export function transforms(world: () => World, key: string): void {
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
  it('answers a SELECT of a person alike from a table, from a file and where another dataset is handed over', async () => {
    const table = await orders();
    const plans = fresh('plans');
    await writeFile(join(world().folder, `${plans}.csv`), 'customer,plan\nC0,free\nC1,paid\nC2,paid\n');
    await copy(world(), between(`shop|public.${table}`, `files|${table}.parquet`));
    const text = "with firsts as (select customer, total, row_number() over (partition by customer order by status) as nth from input)\nselect f.customer, f.total / 2 as half, p.plan from firsts f join plans p using (customer) where f.nth <= 40";
    const asked = [{ query: { sql: text, with: { plans: `files:${plans}.csv` } } }, { filter: "plan = 'paid'" }];
    const [ofTable, ofFile] = [await copy(world(), { ...between(`shop|public.${table}`, `files|${fresh('made')}.csv`), steps: asked }), await copy(world(), { ...between(`files|${table}.parquet`, `files|${fresh('made')}.csv`), steps: asked })];
    expect(ofTable.receipt).toMatchObject({ reconciled: true, read: 1000, grouped: 1000, written: 80, queried: [{ with: `files:${plans}.csv`, left: 1000, right: 3, out: 120 }], sourceDigest: ofFile.receipt?.sourceDigest });
    const beside = fresh('plans');
    await inShop(world(), `create table ${beside} (customer text, plan text); insert into ${beside} values ('C0', 'free'), ('C1', 'paid'), ('C2', 'paid')`);
    const oneStatement = await copy(world(), { ...between(`shop|public.${table}`, `files|${fresh('made')}.csv`), steps: [{ query: { sql: text, with: { plans: `shop.public.${beside}` } } }, { filter: "plan = 'paid'" }] });
    expect(oneStatement.receipt).toMatchObject({ written: 80, sourceDigest: ofFile.receipt?.sourceDigest, queried: [{ with: `shop:public.${beside}`, left: 1000, right: 3, out: 120 }] });
    const alone = [{ query: { sql: 'select customer, count(*) filter (where status is null) as open, sum(total) as total from input group by 1', dialect: 'postgres' as const } }];
    await copy(world(), { ...between(`shop|public.${table}`, `warehouse|mart.${table}_q`), steps: alone });
    expect(await inWarehouse(world(), `select customer, open, total from mart.${table}_q order by 1`)).toEqual(await inShop(world(), `select customer, count(*) filter (where status is null) as open, sum(total) as total from ${table} group by 1 order by 1`));
  });
  it('masks under a key that no file, plan or message holds, alike from a table and from a file', async () => {
    const table = fresh('keyed');
    await inShop(world(), `create table ${table} (id bigint primary key, email text, phone text); insert into ${table} select n, case when n % 5 > 0 then 'Käufer' || n % 7 || '@example.org' end, '0' || n from generate_series(1, 50) as n`);
    await copy(world(), between(`shop|public.${table}`, `files|${table}.csv`));
    const keyed = [{ mask: { column: 'email', method: 'hmac' as const, keyRef: 'secret://masking#key' } }, { filter: 'id <= 40' }, { tokenize: { column: 'phone', keyRef: 'secret://masking#key', scope: 'phone' } }];
    const made = async (from: string, to: string) => copy(world(), { ...between(from, to), from: { ...between(from, to).from, pii: ['email', 'phone'] }, steps: keyed });
    const [ofTable, ofFile] = [await made(`shop|public.${table}`, `warehouse|mart.${table}`), await made(`files|${table}.csv`, `warehouse|mart.${table}_f`)];
    const hmac = (text: string): string => createHmac('sha256', key).update(text).digest('hex');
    const rows = Array.from({ length: 40 }, (_, nth) => ({ id: String(nth + 1), email: (nth + 1) % 5 ? hmac(`Käufer${(nth + 1) % 7}@example.org`) : null, phone: `tok_${hmac(`phone:0${nth + 1}`).slice(0, 32)}` }));
    for (const each of [table, `${table}_f`]) expect(await inWarehouse(world(), `select * from mart.${each} order by id`)).toEqual(rows);
    const plans = await Promise.all([ofTable, ofFile].map(({ planId }) => world().client.call(endpoints.getPlan, { params: { planId: planId! } })));
    const told = JSON.stringify([plans, ofTable, ofFile]);
    expect([told.includes('secret://masking#key'), told.includes(key), told.includes(Buffer.from(key).toString('hex'))]).toEqual([true, false, false]);
    expect(plans[0]?.lineage?.map(({ column, pii, masked }) => [column, pii, masked])).toEqual([['id', [], []], ['email', [], ['email']], ['phone', [], ['phone']]]);
    expect(await failureOf(world(), { ...between(`shop|public.${table}`, `files|${fresh('made')}.csv`), steps: [{ mask: { column: 'email', method: 'hmac', keyRef: 'secret://masking/none#key' } }] })).toMatchObject({ code: 'secret.not-found' });
    expect(await failureOf(world(), { ...between(`shop|public.${table}`, `files|${fresh('made')}.csv`), steps: [{ mask: { column: 'email', method: 'hmac', keyRef: 'secret://warehouse#password' } }] })).toMatchObject({ code: 'plan.refused', issues: [{ code: 'policy.mask-key', path: '/pipeline/steps/0/mask/keyRef' }] });
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
    ['a column that is not there', { filter: 'totall > 1' }, 'SQL_COLUMN', '/pipeline/steps/0/filter'], ['a second statement', { filter: 'true; drop table users' }, 'SQL_SYNTAX', '/pipeline/steps/0/filter'], ['a sort that nothing needs', { sort: [{ column: 'id' }] }, 'STEP_SORT_LOST', '/pipeline/steps/0/sort'], ['a rank without an order', { window: { columns: [{ as: 'n', fn: 'row_number' as const }] } }, 'STEP_ORDER_NOT_TOTAL', '/pipeline/steps/0/window'], ['a relation that a query may not read', { query: { sql: 'select * from users' } }, 'SQL_RELATION', '/pipeline/steps/0/query/sql'], ['a sum of text and number', { derive: { x: 'total + customer' } }, 'SQL_TYPE', '/pipeline/steps/0/derive'],
  ])('refuses %s, and says where', async (_, step, code, path) => {
    const table = await orders();
    const failure = await failureOf(world(), { ...between(`shop|public.${table}`, `warehouse|mart.${table}`), steps: [step] });
    expect([failure.code, failure.issues?.map((issue) => [issue.code, issue.path])]).toEqual(['sql.rejected', [[code, path]]]);
  });
}
