import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { type ConnectionSpec, type Failure, endpoints } from '@agent-etl/contracts';
import { between, failureOf, fresh, inShop, inWarehouse } from '../steps.ts';
import { type World, sqlIn } from '../world.ts';

async function through(world: World, spec: Partial<Extract<ConnectionSpec, { connector: 'postgres' }>>): Promise<Failure> {
  const name = fresh('c');
  const { hostname: host, port } = new URL(world.postgresUrl);
  await world.client.call(endpoints.putConnection, { params: { name }, body: { connector: 'postgres', host, port: Number(port), database: 'shop', user: 'etl', password: 'secret://etl#password', tls: 'disable', ...spec } });
  return failureOf(world, between(`${name}|public.any`, 'warehouse|mart.any'));
}
/** What must be left after any failure: no staging, no backend of ours in a transaction. */
export const leftovers = (world: World): Promise<{ n: number }[]> =>
  sqlIn(world, 'warehouse', `select (select count(*) from pg_tables where schemaname = '_etl' and tablename like 's\\_%')::int + (select count(*) from pg_stat_activity where datname = 'warehouse' and state like 'idle in transaction%')::int as n`);

export function failures(world: () => World): void {
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
    expect(failure.code).toMatch(/data\.value-out-of-range|plan\.type-unsupported|plan\.refused/);
    expect(await inWarehouse(world(), `select count(*)::int as n from mart.${table}`)).toEqual([{ n: 1 }]);
  });
  it.each([
    ['ragged', 'ragged.csv', 'a,b\n1,2\n3\n4,5,6\n'], ['not UTF-8', 'latin.csv', Buffer.from([0x61, 0x0a, 0xe9, 0x0a])], ['no Parquet inside', 'liar.parquet', 'a,b\n1,2\n'], ['a NUL inside', 'nul.csv', 'a\nx\0y\n'],
  ])('refuses a file that is %s', async (_, file, content) => {
    await writeFile(join(world().folder, file), content);
    expect(await failureOf(world(), between(`files|${file}`, `warehouse|mart.${fresh('x')}`))).toMatchObject({ code: 'data.format-invalid' });
  });
  it.each(['../outside.csv', '/etc/passwd', 'a/../../b.csv'])('refuses the path %s', async (path) => {
    expect((await failureOf(world(), between(`files|${path}`, 'warehouse|mart.x'))).code).toMatch(/file\.forbidden|connection\.forbidden|request\.invalid|source\.not-found|request\.unsupported/);
  });
  it('leaves no staging and no open transaction behind', async () => {
    let left = await leftovers(world());
    for (let tries = 0; left[0]?.n !== 0 && tries < 50; tries += 1) { await new Promise((done) => { setTimeout(done, 100); }); left = await leftovers(world()); }
    expect(left).toEqual([{ n: 0 }]);
  });
}
