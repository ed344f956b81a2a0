import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { platformMigrations } from './migrations/platform.migration.ts';
import { prepareState } from './state-preparation.ts';
import { sql } from './sql.ts';
import { StateDatabase } from './state-database.ts';
import { type TenantTx, clockText } from './tenant-tx.ts';
import { aStateDatabase, describePostgres, type TestState } from './testing.ts';

const ours = '00000000-0000-7000-8000-00000000000a';
const theirs = '00000000-0000-7000-8000-00000000000b';
const own = { orchestrator: 'orchestrator', worker: 'worker' } as const;

describePostgres('state database', (cluster) => {
  let test: TestState;
  let state: StateDatabase;
  beforeAll(async () => {
    test = await aStateDatabase('state', Object.values(own).map((schema) => ({ schema, migrations: platformMigrations() })));
    state = await test.open('orchestrator');
  });
  afterAll(() => test?.drop());

  const send = (tenant: string, key: string) => state.inTenantTx(tenant, (tx) => tx.run(sql`
    insert into outbox (tenant_id, topic, key, ce_id, headers, body)
    values (${tenant}, ${'etl.run.events'}, ${key}, gen_random_uuid(), ${{ a: 1 }}, ${Buffer.from('x')}) returning seq`));
  const admin = async <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = new pg.Client({ connectionString: test.adminUrl });
    await client.connect();
    try { return await work(client); } finally { await client.end(); }
  };

  it('shows a tenant its own rows and nobody else rows', async () => {
    await send(ours, 'k1');
    await send(theirs, 'k2');
    const seen = await state.inTenantTx(ours, (tx) => tx.run<{ key: string }>(sql`select key from outbox`));
    expect(seen).toEqual([{ key: 'k1' }]);
  });

  it('refuses to write a row for another tenant', async () => {
    const forged = state.inTenantTx(ours, (tx) => tx.run(sql`
      insert into outbox (tenant_id, topic, key, ce_id, headers, body) values (${theirs}, 't', 'k', gen_random_uuid(), '{}', '')`));
    await expect(forged).rejects.toThrow(/row-level security/);
  });

  it('shows nothing on a pooled connection whose tenant has ended', async () => {
    const rows = await new Promise<unknown[]>((done, fail) => {
      const client = new pg.Client({ connectionString: test.logins.orchestrator.url, options: '-c search_path=orchestrator' });
      client.connect()
        .then(() => client.query(`begin; select set_config('app.tenant', '${ours}', true); commit`))
        .then(() => client.query('select * from outbox'))
        .then((result) => { done(result.rows); return client.end(); }).catch(fail);
    });
    expect(rows).toEqual([]);
  });

  it('lets the relay see outboxes of all tenants and no other table', async () => {
    const keys = await state.asRelay((tx) => tx.run<{ key: string }>(sql`select key from outbox order by key`));
    expect(keys.map(({ key }) => key)).toEqual(['k1', 'k2']);
    await expect(state.asRelay((tx) => tx.run(sql`select * from dead_letter`))).rejects.toThrow(/permission denied/);
    await expect(state.asRelay((tx) => tx.run(sql`insert into outbox (tenant_id, topic, key, ce_id, headers, body)
      values (${ours}, 't', 'k', gen_random_uuid(), '{}', '')`))).rejects.toThrow(/permission denied/);
  });

  it('goes on with the clock that it began with, which is never ahead of the database', async () => {
    const [first, there, second] = await state.inTenantTx(ours, async (tx) => {
      const begun = await tx.now();
      const [row] = await tx.run<{ at: string }>(sql`select ${clockText} as at`);
      await sleep(40);
      return [begun, row!.at, await tx.now()].map((at) => Date.parse(at));
    });
    expect(first!).toBeLessThanOrEqual(there!);
    expect(second! - first!).toBeGreaterThanOrEqual(39);
    expect(second! - there!).toBeLessThan(60_000);
  });
  it('answers the rows of an update, and its clock in UTC', async () => {
    const [rows, now] = await state.asRelay(async (tx) => [
      await tx.run<{ key: string }>(sql`update outbox set sent_at = clock_timestamp() where key = ${'k1'} returning key`), await tx.now()]);
    expect(rows).toEqual([{ key: 'k1' }]);
    expect(Math.abs(Date.parse(now as string) - Date.now())).toBeLessThan(60_000);
    expect(now).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('keeps one login out of the schema of another', async () => {
    await expect(state.inTenantTx(ours, (tx) => tx.run(sql`select * from worker.outbox`))).rejects.toThrow(/permission denied for schema worker/);
  });

  it('rolls back what threw, and calls effects only after a commit', async () => {
    const calls: string[] = [];
    const failing = state.inTenantTx(ours, async (tx) => {
      tx.afterCommit(() => { calls.push('never'); });
      await tx.run(sql`delete from outbox`);
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    await state.inTenantTx(ours, (tx) => { tx.afterCommit(() => { calls.push('after'); }); return tx.run(sql`select 1`); });
    await sleep(5);
    expect(calls).toEqual(['after']);
    expect(await state.inTenantTx(ours, (tx) => tx.run(sql`select key from outbox`))).toHaveLength(1);
  });

  it('knows which rows this transaction holds', async () => {
    await state.inTenantTx(ours, async (tx) => {
      expect(tx.holds('run')).toBe(false);
      tx.hold('run');
      expect(tx.holds('run')).toBe(true);
    });
  });

  it('does not open for a superuser, nor over a table that shows all tenants', async () => {
    const { relayUrl } = test.logins.orchestrator;
    await expect(StateDatabase.open({ url: test.adminUrl, relayUrl, schema: 'orchestrator', entities: [] })).rejects.toThrow(/is a superuser/);
    await admin((client) => client.query('create table orchestrator.leak (tenant_id uuid)'));
    await expect(test.open('orchestrator')).rejects.toThrow(/orchestrator\.leak has a tenant_id but no forced row security|leak has a tenant_id/);
    await admin((client) => client.query('drop table orchestrator.leak'));
  });

  it('says platform.unavailable when the database is away', async () => {
    const url = 'postgres://orchestrator@127.0.0.1:1/none';
    await expect(StateDatabase.open({ url, relayUrl: url, schema: 'orchestrator', entities: [] })).rejects.toMatchObject({ code: 'platform.unavailable' });
  });

  it('prepares twice, at once, without a change', async () => {
    const database = new URL(test.adminUrl).pathname.slice(1);
    const options = { adminUrl: cluster, database, schemas: [{ schema: 'orchestrator' as const, migrations: platformMigrations() }] };
    await Promise.all([prepareState(options), prepareState(options)]);
    expect(await state.migrated()).toEqual([{ name: 'Platform1764000000000', release: 1, floor: 0 }]);
  });

  it('hears notifications again after its connection was cut', async () => {
    let woken = 0;
    const listening = await state.listen('outbox_orchestrator', () => { woken += 1; });
    expect(woken).toBe(1);
    const notify = () => state.inTenantTx(ours, (tx) => tx.run(sql`select pg_notify('outbox_orchestrator', '')`));
    await notify();
    await until(() => woken === 2);
    await admin((client) => client.query(`select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%' and datname = current_database()`));
    await until(() => woken === 3); // a new connection wakes once: something may have been missed
    await notify();
    await until(() => woken === 4);
    await listening.close();
  });

  it('wakes who listens here and elsewhere, once for each commit and never for a rollback', async () => {
    const heard: string[] = [];
    const [other, alone] = [await test.open('orchestrator'), await StateDatabase.open({ ...test.logins.orchestrator, schema: 'orchestrator', entities: [], isShared: false })];
    const listening = await Promise.all([['here', state], ['there', other], ['alone', alone]].map(([name, at]) => (at as StateDatabase).listen('told', () => { heard.push(name as string); })));
    const told = async (from: StateDatabase, say: (tx: TenantTx) => Promise<void>): Promise<string[]> => {
      heard.length = 0;
      await from.inTenantTx(ours, say).catch(() => undefined);
      await sleep(150);
      return heard.toSorted();
    };
    expect(await told(state, (tx) => tx.notify('told'))).toEqual(['here', 'there']);
    expect(await told(other, (tx) => tx.tellOthers('told', sql`select 1`))).toEqual(['here']);
    expect(await told(alone, (tx) => tx.notify('told'))).toEqual(['alone']);
    expect(await told(state, async (tx) => { await tx.notify('told'); throw new Error('no'); })).toEqual([]);
    await Promise.all(listening.map((each) => each.close()));
    expect(await told(state, (tx) => tx.notify('told'))).toEqual([]);
    await alone.close();
  });

  it('has both ends probe an idle connection within ten seconds, so that one whose other end vanished does not look open for hours', async () => {
    const [listening, leading] = [await state.listen('outbox_orchestrator', () => undefined), state.lead('probed', (lost) => new Promise((done) => { lost.addEventListener('abort', () => { done(); }, { once: true }); }))];
    await state.inTenantTx(ours, (tx) => tx.run(sql`select 1`));
    const ports = await admin(async (client) => {
      const find = () => client.query<{ port: number }>(`select client_port as port from pg_stat_activity where datname = current_database() and application_name like 'etl-orchestrator%'`);
      for (let tries = 0; tries < 200 && ((await find()).rowCount ?? 0) < 3; tries += 1) await sleep(10);
      return (await find()).rows.map(({ port }) => port);
    });
    await sleep(300); // what was said last is acknowledged
    const probes = await Promise.all(ports.map(untilProbe));
    expect(ports.length).toBeGreaterThanOrEqual(3);
    expect(probes.flat().length).toBe(2 * ports.length);
    expect(Math.max(...probes.flat())).toBeLessThanOrEqual(10);
    await listening.close();
    await leading.close();
  });

  it('goes on after every connection of the pool was cut', async () => {
    await admin((client) => client.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'orchestrator' and datname = current_database()`));
    await sleep(50);
    await state.ping();
    expect(await state.inTenantTx(ours, (tx) => tx.run(sql`select 1 as one`))).toEqual([{ one: 1 }]);
  });

  it('leaves no waiter at the server whose process is gone', async () => {
    const stays = (lost: AbortSignal): Promise<void> => new Promise((done) => { lost.addEventListener('abort', () => { done(); }, { once: true }); });
    const waiters = () => admin(async (client) => (await client.query<{ pid: number; port: number }>(
      `select pid, client_port as port from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%pg_advisory_lock%'`)).rows);
    const leading = state.lead('waited for', stays);
    await sleep(200);
    const waiting = state.lead('waited for', stays);
    for (let tries = 0; tries < 100 && (await waiters()).length === 0; tries += 1) await sleep(20);
    const [gone] = await waiters();
    const sockets = (process as unknown as { _getActiveHandles(): { localPort?: number; resetAndDestroy?(): void }[] })._getActiveHandles();
    sockets.find(({ localPort }) => localPort === gone!.port)!.resetAndDestroy!(); // as a kill does
    for (let tries = 0; tries < 200 && (await waiters()).some(({ pid }) => pid === gone!.pid); tries += 1) await sleep(50);
    expect((await waiters()).map(({ pid }) => pid)).not.toContain(gone!.pid);
    await waiting.close();
    await leading.close();
  }, 20_000);

  it('lets one lead at a time, and the next when the connection of the first is cut', async () => {
    const events: string[] = [];
    const lead = (name: string) => state.lead('test', async (lost) => {
      events.push(`${name} leads`);
      await new Promise((done) => { lost.addEventListener('abort', done, { once: true }); });
      events.push(`${name} ends`);
    });
    const first = lead('first');
    await until(() => events.length === 1);
    const second = lead('second');
    await sleep(100);
    expect(events).toEqual(['first leads']);
    await first.close();
    await until(() => events.includes('second leads'));
    await admin((client) => client.query(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())`));
    await until(() => events.filter((event) => event === 'second leads').length === 2);
    await second.close();
  });
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !holds(); tries += 1) await sleep(10);
  expect(holds()).toBe(true);
}

/** Seconds until the kernel probes each end of the TCP connection that has this port, from /proc/net/tcp: timer 02 is the keepalive. */
async function untilProbe(port: number): Promise<number[]> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/)).filter(([, local = '', remote = '', state]) => state === '01' && [local, remote].some((end) => end.endsWith(`:${hex}`)));
  return rows.map(([, , , , , timer = '']) => (timer.startsWith('02:') ? parseInt(timer.slice(3), 16) / 100 : Infinity));
}
