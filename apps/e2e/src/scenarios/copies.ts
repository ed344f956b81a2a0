import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from '@jest/globals';
import { endpoints } from '@agent-etl/contracts';
import { ask, between, copy, fresh, inShop, inWarehouse, runOf, untilRun } from '../steps.ts';
import type { World } from '../world.ts';

const mixed = `id bigint primary key, price numeric(12,2), ratio double precision, name text, born date, at timestamp, seen timestamptz, ok boolean, raw bytea, doc jsonb, code uuid`;
const mixedRows = `select n, n * 1.25, case n when 1 then 'NaN'::float8 when 2 then 'Infinity' when 3 then '-Infinity' when 4 then '-0.0' else n / 3.0 end, case when n % 7 = 0 then null else 'Größe ' || n || E' "q" \\n\\t,' end,
  date '1960-01-01' + n, timestamp '1969-12-31 23:59:59.999999' + n * interval '1 second', timestamptz '2001-01-01' + n * interval '1 hour', n % 2 = 0, decode(lpad(to_hex(n), 8, '0'), 'hex'), jsonb_build_object('n', n), md5(n::text)::uuid`;

export function copies(world: () => World): void {
  it('copies a table with every type, row for row, and proves it', async () => {
    const table = fresh('mixed');
    await inShop(world(), `create table ${table} (${mixed}); insert into ${table} ${mixedRows} from generate_series(1, 5000) as n`);
    const run = await copy(world(), between(`shop|public.${table}`, `warehouse|mart.${table}`));
    expect(run.receipt).toMatchObject({ reconciled: true, read: 5000, filtered: 0, rejected: 0, written: 5000, published: 5000 });
    const digest = `select md5(string_agg(t::text, '|' order by id)) as digest from`;
    expect(await inWarehouse(world(), `${digest} mart.${table} as t`)).toEqual(await inShop(world(), `${digest} ${table} as t`));
  });
  it('takes a table to Parquet and back without a difference', async () => {
    const table = fresh('round');
    await inShop(world(), `create table ${table} (id bigint primary key, price numeric(12,2), name text, at timestamp, ok boolean);
      insert into ${table} select n, n * 1.25, case when n % 5 = 0 then null when n % 7 = 0 then '' else 'x' || n end, timestamp '2001-01-01' + n * interval '1 minute', n % 3 = 0 from generate_series(1, 20000) as n`);
    await copy(world(), between(`shop|public.${table}`, `files|${table}.parquet`));
    const back = await copy(world(), between(`files|${table}.parquet`, `warehouse|mart.${table}`));
    expect(back.receipt).toMatchObject({ written: 20_000, reconciled: true });
    const digest = `select md5(string_agg(concat_ws(',', id, price, coalesce(name, '~'), at, ok), '|' order by id)) as digest from`;
    expect(await inWarehouse(world(), `${digest} mart.${table}`)).toEqual(await inShop(world(), `${digest} ${table}`));
  });
  it('compares both ends of a pipeline at any time, also between engines, and is red when they differ', async () => {
    const table = fresh('compared');
    await inShop(world(), `create table ${table} (${mixed}); insert into ${table} ${mixedRows} from generate_series(1, 3000) as n`);
    const [toTable, toFile] = [between(`shop|public.${table}`, `warehouse|mart.${table}`), between(`shop|public.${table}`, `files|${table}.parquet`)];
    const compare = async ({ name }: { name: string }): Promise<unknown> => {
      const { runId } = await world().client.call(endpoints.reconcilePipeline, { params: { name } });
      const { state, tasks: [task], failure, receipt } = await untilRun(world(), runId);
      const rows = task?.result?.kind === 'reconcile' ? task.result.sourceDigest.rows : null;
      return [state, failure ? [failure.code, failure.rows] : rows, receipt];
    };
    for (const pipeline of [toTable, toFile]) {
      await copy(world(), pipeline);
      expect(await compare(pipeline)).toEqual(['succeeded', 3000, null]);
    }
    await inWarehouse(world(), `update mart.${table} set name = 'changed' where id = 17`);
    expect(await compare(toTable)).toEqual(['failed', ['sink.reconcile-mismatch', [{ key: ['17'], is: 'different' }]], null]);
    await inShop(world(), `delete from ${table} where id = 18`);
    expect(await compare(toFile)).toEqual(['failed', ['sink.reconcile-mismatch', [{ key: ['18'], is: 'strange' }]], null]);
    const said = await world().cli(['reconcile', toFile.name, '--json']);
    expect([said.code, said.stderr]).toEqual([1, expect.stringContaining('2999 rows at the source, 3000 in the target')]);
    const { items } = await world().client.call(endpoints.listRuns, { query: { limit: 10, pipeline: toTable.name } });
    expect(items.map(({ kind }) => kind)).toEqual(['copy']);
  });
  it('reads csv and csv.gz with the same outcome', async () => {
    const name = fresh('csv');
    const text = `id,name,zip\n1,"one, two",01234\n2,,00001\n3,"a ""b""",99999\n`;
    await writeFile(join(world().folder, `${name}.csv`), text);
    await writeFile(join(world().folder, `${name}.csv.gz`), gzipSync(text));
    for (const end of ['csv', 'csv.gz']) {
      const target = fresh('in');
      await copy(world(), between(`files|${name}.${end}`, `warehouse|mart.${target}`));
      expect(await inWarehouse(world(), `select count(*)::int as n, min(zip) as zip from mart.${target}`)).toEqual([{ n: 3, zip: '00001' }]);
    }
  });
  it('writes a csv that says the same', async () => {
    const table = fresh('out');
    await inShop(world(), `create table ${table} (id int primary key, name text); insert into ${table} values (1, 'a,b'), (2, null), (3, ''), (4, 'say "hi"'), (5, E'two\\nlines'), (6, 'Größe')`);
    await copy(world(), between(`shop|public.${table}`, `files|${table}.csv`));
    expect(await readFile(join(world().folder, `${table}.csv`), 'utf8')).toBe('id,name\n1,"a,b"\n2,\n3,""\n4,"say ""hi"""\n5,"two\nlines"\n6,Größe\n');
  });
  it('appends nothing twice, replaces only after a person said yes, and upserts what changed', async () => {
    const table = fresh('load');
    await inShop(world(), `create table ${table} (id int primary key, v text); insert into ${table} select n, 'v' || n from generate_series(1, 100) as n`);
    const target = `warehouse|mart.${table}`;
    await copy(world(), between(`shop|public.${table}`, target));
    const again = await ask(world(), between(`shop|public.${table}`, target));
    expect([again.state, again.runId]).toEqual(['waiting', null]);
    await inShop(world(), `update ${table} set v = 'new' where id <= 3; insert into ${table} values (101, 'v101')`);
    const upsert = await copy(world(), between(`shop|public.${table}`, target, { load: 'upsert', key: ['id'] }));
    expect(upsert.tasks.find(({ kind }) => kind === 'publish')?.result).toMatchObject({ inserted: 1, updated: 3 });
    const replace = await ask(world(), between(`shop|public.${table}`, target, { load: 'replace' }));
    expect(replace.state).toBe('waiting');
    expect(await inWarehouse(world(), `select count(*)::int as n from mart.${table}`)).toEqual([{ n: 101 }]);
    const plan = await world().client.call(endpoints.approvePlan, { params: { planId: replace.planId! } });
    expect(plan.status).toBe('approved');
  });
  it('reads only what changed when the pipeline that made its target runs again, and asks when its source is another', async () => {
    const table = fresh('part');
    const stamp = `timestamptz '2001-01-01' + n * interval '1 hour'`;
    await inShop(world(), `create table ${table} (id int primary key, v text, updated_at timestamptz not null); create index on ${table} (updated_at);
      insert into ${table} select n, 'v' || n, ${stamp} from generate_series(1, 1000) as n; analyze ${table}`);
    const pipeline = between(`shop|public.${table}`, `warehouse|mart.${table}`);
    await copy(world(), pipeline);
    await inShop(world(), `update ${table} set v = 'new', updated_at = timestamptz '2001-03-01' where id <= 3; insert into ${table} select n, 'v' || n, ${stamp} from generate_series(1001, 1010) as n`);
    expect((await copy(world(), pipeline)).receipt).toMatchObject({ reconciled: true, read: 15, filtered: 2, rejected: 0, written: 13, published: 13 });
    const whole = `select md5(string_agg(t::text, '|' order by id)) as digest from`;
    expect(await inWarehouse(world(), `${whole} mart.${table} as t`)).toEqual(await inShop(world(), `${whole} ${table} as t`));
    expect((await copy(world(), pipeline)).receipt).toMatchObject({ reconciled: true, filtered: 3, written: 0, published: 0 });
    await inShop(world(), `alter table ${table} rename to ${table}_old; create table ${table} (like ${table}_old including all)`);
    expect((await ask(world(), pipeline)).state).toBe('waiting');
  });
  it('fills a target again that somebody dropped', async () => {
    const table = fresh('again');
    await inShop(world(), `create table ${table} (id int primary key); insert into ${table} select generate_series(1, 10)`);
    const pipeline = between(`shop|public.${table}`, `warehouse|mart.${table}`);
    await copy(world(), pipeline);
    await inWarehouse(world(), `drop table mart.${table}`);
    expect((await copy(world(), pipeline)).receipt).toMatchObject({ written: 10, published: 10 });
  });
  it('copies an empty table, twin rows without a key and a text of 1 MB', async () => {
    const [empty, twins, big] = [fresh('empty'), fresh('twins'), fresh('big')];
    await inShop(world(), `create table ${empty} (id int); create table ${twins} (a text, b int); insert into ${twins} select 'same', 1 from generate_series(1, 50); insert into ${twins} values (null, null), (null, null);
      create table ${big} (id int primary key, t text); insert into ${big} values (1, repeat('x', 1048576))`);
    expect((await copy(world(), between(`shop|public.${empty}`, `warehouse|mart.${empty}`))).receipt).toMatchObject({ read: 0, written: 0, reconciled: true });
    expect((await copy(world(), between(`shop|public.${twins}`, `warehouse|mart.${twins}`))).receipt).toMatchObject({ written: 52 });
    await copy(world(), between(`shop|public.${big}`, `warehouse|mart.${big}`));
    expect(await inWarehouse(world(), `select length(t) as n from mart.${big}`)).toEqual([{ n: 1_048_576 }]);
  });
  it('keeps mixed-case, spaced and reserved names', async () => {
    await inShop(world(), `create table "Order Items" ("select" int primary key, "Größe €" text, "a""b" int); insert into "Order Items" values (1, 'x', 2)`);
    const run = await runOf(world(), await ask(world(), between('shop|public.Order Items', 'warehouse|mart.Order Items')));
    expect([run.state, run.failure]).toEqual(['succeeded', null]);
    expect(await inWarehouse(world(), 'select "select", "Größe €", "a""b" from mart."Order Items"')).toEqual([{ select: 1, 'Größe €': 'x', 'a"b': 2 }]);
  });
}
