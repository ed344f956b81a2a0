import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { compile, literal, sqlFor } from '@agent-etl/sql-safety';
import type pg from 'pg';
import type { ConnectorTools } from '../port.ts';
import { RestingConnections } from '../resting-connections.ts';
import { postgresConnector } from './postgres-connector.ts';
import { PostgresSession } from './postgres-session.ts';
import { aDatabase, clientOf, connectionTo, describeServer, testTools } from './testing/postgres-harness.ts';

const sql = sqlFor('postgres');
const database = `t_resting_${process.pid}`;
describeServer('postgres-resting', (adminUrl) => {
  let drop: () => Promise<void>;
  let admin: pg.Client;
  let resting: RestingConnections;
  beforeAll(async () => { drop = await aDatabase(adminUrl, database); admin = await clientOf(adminUrl, database); });
  afterAll(async () => { await admin.end(); await drop(); });
  beforeEach(() => { resting = new RestingConnections({ keptMs: 400, most: 2 }); });
  afterEach(async () => { await resting.close(); });

  const toolsOf = (tenant: string): ConnectorTools => ({ ...testTools('resting'), resting: resting.of(tenant) });
  const open = (tenant = 'one', more = {}): Promise<PostgresSession> => PostgresSession.connect(connectionTo(adminUrl, database, more), { tools: toolsOf(tenant) });
  const pids = async (): Promise<number[]> => (await admin.query<{ pid: number }>(`select pid from pg_stat_activity where datname = current_database() and application_name = 'resting' order by pid`)).rows.map(({ pid }) => pid);
  const until = async (isSo: () => Promise<boolean>): Promise<boolean> => {
    for (const end = performance.now() + 5_000; performance.now() < end; await delay(20)) if (await isSo()) return true;
    return false;
  };
  /** The reset has been answered: only then is it handed on. */
  const rested = (): Promise<boolean> => until(async () => (await admin.query(`select from pg_stat_activity where datname = current_database() and application_name = 'resting' and state = 'idle' and query = 'DISCARD ALL'`)).rowCount! > 0);
  async function used(work: (session: PostgresSession) => Promise<unknown>): Promise<number> {
    const session = await open();
    await work(session);
    await session.end();
    return session.pid;
  }

  it('hands the same server process to the next, as it was when it was dialled', async () => {
    const pid = await used((session) => session.run(compile(sql`CREATE TEMP TABLE mine AS SELECT 1 AS a; SET lock_timeout = '7s'; SET search_path = 'pg_catalog'; PREPARE mine AS SELECT 1; SELECT pg_advisory_lock(7); LISTEN mine`)));
    expect(await rested()).toBe(true);
    const session = await open();
    expect(session.pid).toBe(pid);
    const [left] = await session.run(compile(sql`SELECT to_regclass('pg_temp.mine') AS table, current_setting('lock_timeout') AS timeout, current_setting('search_path') AS path, current_setting('TimeZone') AS zone,
      (SELECT count(*)::int FROM pg_prepared_statements) AS prepared, (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks, (SELECT count(*)::int FROM pg_listening_channels()) AS listening`));
    expect(left).toEqual({ table: null, timeout: '0', path: '"$user", public', zone: 'UTC', prepared: 0, locks: 0, listening: 0 });
    await session.end();
  });
  it('hands it to no other tenant, and to no other login', async () => {
    const pid = await used(async () => undefined);
    expect(await rested()).toBe(true);
    const others = [await open('two'), await open('one', { password: 'secret://one#password' }), await open('one', { database: 'postgres' })];
    expect(others.map((session) => session.pid)).not.toContain(pid);
    await Promise.all(others.map((session) => session.goodbye()));
  });
  it.each<[string, (session: PostgresSession) => Promise<unknown>]>([
    ['stands in a transaction', (session) => session.run(compile(sql`BEGIN`))],
    ['stands in a transaction that has failed', async (session) => { await session.run(compile(sql`BEGIN`)); await expect(session.run(compile(sql`SELECT 1 / 0`))).rejects.toThrow(); }],
    ['was asked to stop', (session) => session.cancel()],
    ['is in the middle of a COPY', async (session) => { await session.run(compile(sql`CREATE TEMP TABLE t (a int)`)); await session.copyIn(compile(sql`COPY t FROM STDIN`)); }],
  ])('keeps none that %s', async (_, work) => {
    const pid = await used(work);
    expect(await until(async () => !(await pids()).includes(pid))).toBe(true);
    const next = await open();
    expect(next.pid).not.toBe(pid);
    await next.end();
  });
  it('hands out none that the server has ended', async () => {
    const pid = await used(async () => undefined);
    expect(await rested()).toBe(true);
    await admin.query('select pg_terminate_backend($1)', [pid]);
    await until(async () => !(await pids()).includes(pid));
    await delay(50); // until this process has heard
    const next = await open();
    expect(await next.run(compile(sql`SELECT ${literal('postgres', 'yes')} AS answers`))).toEqual([{ answers: 'yes' }]);
    await next.end();
  });
  it('keeps no more than it may, for as long as it may, and none once it is closed', async () => {
    const three = await Promise.all([open(), open(), open()]);
    await Promise.all(three.map((session) => session.end()));
    expect(await until(async () => (await pids()).length === 2)).toBe(true);
    expect(await until(async () => (await pids()).length === 0)).toBe(true);
    const last = await open();
    await resting.close();
    await last.end();
    expect(await until(async () => (await pids()).length === 0)).toBe(true);
  });
  it('dials for a trial of the connection: what rests proves nothing', async () => {
    const pid = await used(async () => undefined);
    expect(await rested()).toBe(true);
    const lastUse = async (): Promise<unknown> => (await admin.query('select state_change::text from pg_stat_activity where pid = $1', [pid])).rows;
    const before = await lastUse();
    const opened = await postgresConnector.open(connectionTo(adminUrl, database), toolsOf('one'));
    expect(await opened.inspect('test')).toMatchObject({ kind: 'inspect' });
    expect(await lastUse()).toEqual(before);
  });
});
