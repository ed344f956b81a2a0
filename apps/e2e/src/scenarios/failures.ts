import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from '@jest/globals';
import { type ConnectionSpec, type Failure, endpoints } from '@agent-etl/contracts';
import { ask, between, copy, failureOf, fresh, inShop, inWarehouse, settle, untilRun } from '../steps.ts';
import { type World, sqlIn } from '../world.ts';

async function through(world: World, spec: Partial<Extract<ConnectionSpec, { connector: 'postgres' }>>): Promise<Failure> {
  const name = fresh('c');
  const { hostname: host, port } = new URL(world.postgresUrl);
  await world.client.call(endpoints.putConnection, { params: { name }, body: { connector: 'postgres', host, port: Number(port), database: 'shop', user: 'etl', password: 'secret://etl#password', tls: 'disable', ...spec } });
  return failureOf(world, between(`${name}|public.any`, 'warehouse|mart.any'));
}
/** What must be left after any failure: no staging, no backend of ours in a transaction. */
const leftovers = (world: World): Promise<{ n: number }[]> =>
  sqlIn(world, 'warehouse', `select (select count(*) from pg_tables where schemaname = '_etl' and tablename like 's\\_%')::int + (select count(*) from pg_stat_activity where datname = 'warehouse' and state like 'idle in transaction%')::int as n`);

/** Five seconds are what a failure has to clean up. */
export async function untilNothingIsLeft(world: World): Promise<void> {
  let left = await leftovers(world);
  for (let tries = 0; left[0]?.n !== 0 && tries < 50; tries += 1) { await new Promise((done) => { setTimeout(done, 100); }); left = await leftovers(world); }
  expect(left).toEqual([{ n: 0 }]);
}
/** @param password of the login that all scenarios use */
export function failures(world: () => World, password: string): void {
  it('says which host does not answer', async () => { expect((await through(world(), { host: '127.0.0.1', port: 1 })).code).toBe('connection.unreachable'); });
  it('says whose password was refused, without it', async () => {
    const failure = await through(world(), { password: 'secret://wrong#password' });
    expect(failure).toMatchObject({ code: 'connection.auth-failed', text: expect.stringContaining('etl') as unknown });
    expect(JSON.stringify(failure)).not.toContain('not-the-password');
  });
  it('names a missing secret', async () => { expect((await through(world(), { password: 'secret://nowhere#password' })).code).toBe('secret.not-found'); });
  it('names a missing database', async () => { expect(await through(world(), { database: 'shopp' })).toMatchObject({ code: 'source.not-found', text: expect.stringContaining('shopp') as unknown }); });
  it('names the nearest table', async () => {
    await inShop(world(), 'create table if not exists customers (id int)');
    expect(await failureOf(world(), between('shop|public.custommers', 'warehouse|mart.x'))).toMatchObject({ code: 'source.not-found', next: expect.stringContaining('customers') as unknown });
  });
  it('names the nearest file', async () => {
    await writeFile(join(world().folder, 'invoices.csv'), 'id\n1\n');
    expect(await failureOf(world(), between('files|invoicse.csv', 'warehouse|mart.x'))).toMatchObject({ code: 'source.not-found', next: expect.stringContaining('invoices.csv') as unknown });
  });
  it('prints the GRANT that is missing', async () => {
    await sqlIn(world(), 'shop', 'create table if not exists hidden_table (id int)');
    expect(await failureOf(world(), between('shop|public.hidden_table', 'warehouse|mart.x'))).toMatchObject({ code: 'connection.permission-denied', next: expect.stringMatching(/GRANT SELECT/i) as unknown });
  });
  it('names row, column and value that do not fit, and leaves the target alone', async () => {
    const table = fresh('narrow');
    await inShop(world(), `create table ${table} (id int primary key, v bigint); insert into ${table} select n, case n when 1500 then 3000000000 else n end from generate_series(1, 2000) as n`);
    await inWarehouse(world(), `create schema if not exists mart; create table mart.${table} (id int primary key, v int); insert into mart.${table} values (-1, -1)`);
    const failure = await failureOf(world(), between(`shop|public.${table}`, `warehouse|mart.${table}`, { load: 'append' }));
    expect([failure.code, failure.cell]).toEqual(['data.value-out-of-range', { row: 1500, column: 'v', value: '3000000000', target: 'integer' }]);
    expect(await inWarehouse(world(), `select count(*)::int as n from mart.${table}`)).toEqual([{ n: 1 }]);
  });
  it('names the cell of a file that its target cannot hold, in the order of the file', async () => {
    const name = fresh('cells');
    await writeFile(join(world().folder, `${name}.csv`), `id,v\n${Array.from({ length: 20_000 }, (_, row) => `${row},${row === 17_000 ? 'oops' : row}`).join('\n')}\n`);
    await inWarehouse(world(), `create schema if not exists mart; create table mart.${name} (id int, v int); create table mart.${name}_text (id int, v text)`);
    const failure = await failureOf(world(), between(`files|${name}.csv`, `warehouse|mart.${name}`));
    expect([failure.code, failure.cell]).toEqual(['data.value-out-of-range', { row: 17_001, column: 'v', value: 'oops', target: 'INTEGER' }]);
    expect((await copy(world(), between(`files|${name}.csv`, `warehouse|mart.${name}_text`))).receipt).toMatchObject({ written: 20_000, reconciled: true });
  });
  it.each([
    ['a key that is there', 'id int unique', 'insert into mart.TABLE values (2)', { column: 'id', value: '2' }], ['a check', 'id int check (id < 5)', '', { value: '(5)' }],
  ])('names the row that the target refuses by %s, and leaves the target alone', async (_, shape, before, cell) => {
    const table = fresh('refuses');
    await inShop(world(), `create table ${table} (id int primary key); insert into ${table} select generate_series(1, 10)`);
    await inWarehouse(world(), `create schema if not exists mart; create table mart.${table} (${shape}); ${before.replace('TABLE', table)}`);
    const rows = await inWarehouse(world(), `select * from mart.${table}`);
    expect(await failureOf(world(), between(`shop|public.${table}`, `warehouse|mart.${table}`, { load: 'append' }))).toMatchObject({ code: 'sink.constraint-violated', cell });
    expect(await inWarehouse(world(), `select * from mart.${table}`)).toEqual(rows);
  });
  it.each([
    ['needs what nothing fills', 'id int, must int not null', 'plan.refused'], ['makes the column itself', 'id int generated always as (1) stored', 'plan.refused'], ['has no such column', 'other int', 'plan.refused'],
    ['holds another kind of value', 'id boolean', 'plan.type-unsupported'],
  ])('refuses a target that %s before a row has moved', async (_, shape, code) => {
    const table = fresh('misfit');
    await inShop(world(), `create table ${table} (id int); insert into ${table} values (1)`);
    await inWarehouse(world(), `create schema if not exists mart; create table mart.${table} (${shape})`);
    expect((await failureOf(world(), between(`shop|public.${table}`, `warehouse|mart.${table}`))).code).toBe(code);
  });
  it('refuses what is no table, and a table that has no columns or too many', async () => {
    const name = fresh('odd');
    await inShop(world(), `create table ${name} (id int); create sequence ${name}_s; create table ${name}_bare (); create table ${name}_wide (${Array.from({ length: 1600 }, (_, index) => `column_number_${index} int`).join(', ')})`);
    await inWarehouse(world(), `create schema if not exists mart; create materialized view mart.${name}_m as select 1 as id`);
    const code = async (from: string, to: string): Promise<string> => (await failureOf(world(), between(from, to))).code;
    expect([await code(`shop|public.${name}_s`, 'warehouse|mart.x'), await code(`shop|public.${name}`, `warehouse|mart.${name}_m`), await code(`shop|public.${name}_bare`, 'warehouse|mart.x'), await code(`shop|public.${name}_wide`, 'warehouse|mart.x')])
      .toEqual(['request.invalid', 'request.invalid', 'profile.unusable', 'plan.refused']);
  });
  it('names the text that a jsonb or a file cannot hold: NUL, half of a surrogate pair', async () => {
    const table = fresh('halves');
    await inShop(world(), `create table ${table} (id int, j json); insert into ${table} values (1, '{}'), (2, '{"a":"\\ud800"}')`);
    await inWarehouse(world(), `create schema if not exists mart; create table mart.${table} (id int, j jsonb)`);
    for (const to of [`warehouse|mart.${table}`, `files|${table}.parquet`]) expect(await failureOf(world(), between(`shop|public.${table}`, to))).toMatchObject({ code: 'data.value-out-of-range', cell: { column: 'j', value: '{"a":"\\ud800"}' } });
  });
  it('runs nothing on a source that changed its shape since it was planned', async () => {
    const table = fresh('drift');
    await inShop(world(), `create table ${table} (id int primary key); insert into ${table} values (1)`);
    const view = await world().client.call(endpoints.createPlan, { body: { pipeline: between(`shop|public.${table}`, `warehouse|mart.${table}`) } });
    const { planId } = await settle(world(), view);
    await inShop(world(), `alter table ${table} add column more text`);
    const { runId } = await world().client.call(endpoints.runPlan, { params: { planId: planId! }, idempotencyKey: table });
    expect(await untilRun(world(), runId)).toMatchObject({ state: 'failed', failure: { code: 'source.schema-drifted', text: expect.stringContaining('more') as unknown, next: expect.stringContaining('run the pipeline again') as unknown } });
    expect(await inWarehouse(world(), `select to_regclass('mart.${table}') as t`)).toEqual([{ t: null }]);
  });
  it('prints grant after grant to a login that may do nothing, until an upsert runs', async () => {
    const [table, login] = [fresh('granted'), fresh('poor')];
    await inShop(world(), `create table ${table} (id int primary key, v text); insert into ${table} values (1, 'new'), (2, 'two')`);
    await inWarehouse(world(), `create schema if not exists mart; create table mart.${table} (id int primary key, v text); insert into mart.${table} values (1, 'old')`);
    await sqlIn(world(), 'warehouse', `create role ${login} login password '${password}'`);
    const { hostname: host, port } = new URL(world().postgresUrl);
    await world().client.call(endpoints.putConnection, { params: { name: login }, body: { connector: 'postgres', host, port: Number(port), database: 'warehouse', user: login, password: 'secret://etl#password', tls: 'disable' } });
    const pipeline = between(`shop|public.${table}`, `${login}|mart.${table}`, { load: 'upsert', key: ['id'] });
    const grants: string[] = [];
    for (let view = await ask(world(), pipeline); view.state === 'failed' && grants.length < 5; view = await ask(world(), pipeline)) {
      expect(view.failure).toMatchObject({ code: 'connection.permission-denied', next: expect.stringMatching(/^GRANT /) as unknown });
      grants.push(view.failure?.next ?? '');
      await sqlIn(world(), 'warehouse', view.failure?.next ?? '');
    }
    expect([grants.length > 1, await inWarehouse(world(), `select * from mart.${table} order by id`)]).toEqual([true, [{ id: 1, v: 'new' }, { id: 2, v: 'two' }]]);
  });
  it.each([
    ['ragged', 'ragged.csv', 'a,b\n1,2\n3\n4,5,6\n', 'line 3'], ['not UTF-8', 'latin.csv', Buffer.from([0x61, 0x0a, 0xe9, 0x0a]), 'line 2'], ['no Parquet inside', 'liar.parquet', 'a,b\n1,2\n', 'PAR1'],
    ['a NUL inside', 'nul.csv', 'a\nx\0y\n', 'line 2'], ['a gzip inside', 'zipped.csv', gzipSync('a\n1\n'), 'gzip'], ['cut off', 'cut.csv.gz', gzipSync('a,b\n1,2\n').subarray(0, 20), 'cut off'],
  ])('refuses a file that is %s', async (_, file, content, place) => {
    await writeFile(join(world().folder, file), content);
    expect(await failureOf(world(), between(`files|${file}`, `warehouse|mart.${fresh('x')}`))).toMatchObject({ code: 'data.format-invalid', text: expect.stringContaining(place) as unknown });
  });
  it.each([['nothing at all', ''], ['blank lines', '\n\n']])('refuses a file with %s in it', async (_, content) => {
    await writeFile(join(world().folder, 'void.csv'), content);
    expect((await failureOf(world(), between('files|void.csv', `warehouse|mart.${fresh('x')}`))).code).toBe('profile.unusable');
  });
  it.each([['../outside.csv', 'file.forbidden'], ['/etc/passwd', 'file.forbidden'], ['/etc/x.csv', 'file.forbidden'], ['a/../../b.csv', 'file.forbidden'], ['.hidden.csv', 'file.forbidden'], ['*.csv', 'file.forbidden'], ['link.csv', 'file.forbidden'], ['out/new.csv', 'file.forbidden']])(
    'refuses the path %s, to read and to write', async (path, code) => {
      await symlink('/etc/passwd', join(world().folder, 'link.csv')).catch(() => undefined);
      await symlink('/etc', join(world().folder, 'out')).catch(() => undefined);
      const table = fresh('path');
      await inShop(world(), `create table ${table} (id int)`);
      expect((await failureOf(world(), between(`shop|public.${table}`, `files|${path}`))).code).toBe(code);
      if (path !== 'out/new.csv') expect((await failureOf(world(), between(`files|${path}`, 'warehouse|mart.x'))).code).toBe(code);
    });
  it('leaves no staging and no open transaction behind', () => untilNothingIsLeft(world()));
}
