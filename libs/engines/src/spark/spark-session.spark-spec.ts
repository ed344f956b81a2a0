import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { EtlError } from '@agent-etl/contracts';
import { compile, identifier, sqlFor } from '@agent-etl/sql-safety';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SparkSession } from './spark-session.ts';
import { describeSpark, sparkAt } from './testing/spark-harness.ts';
import { type TcpProxy, tcpProxy } from './testing/tcp-proxy.ts';

const sql = sqlFor('spark');
/** Half a minute of work that says nothing until it has ended. */
const long = compile(sql`SELECT count(*) AS n FROM range(100000) AS a CROSS JOIN range(100000) AS b CROSS JOIN range(100) AS c WHERE a.id + b.id = c.id`);

describeSpark('a session on Spark', () => {
  const open: { stop(): Promise<void> }[] = [];
  beforeAll(async () => { // the first statement of a server takes long
    const warm = await SparkSession.open({ ...sparkAt(), silenceMs: 90_000 });
    await warm.query(compile(sql`SELECT 1 AS n`));
    await warm.stop();
  }, 120_000);
  afterEach(async () => { await Promise.all(open.splice(0).map((each) => each.stop())); });
  const opened = async (more: Partial<Parameters<typeof SparkSession.open>[0]> = {}): Promise<SparkSession> => {
    const session = await SparkSession.open({ ...sparkAt(), ...more });
    open.push(session);
    return session;
  };
  const proxied = async (to: 'spark' | 'nobody' = 'spark'): Promise<TcpProxy> => {
    const proxy = await tcpProxy(to === 'spark' ? Number(/:(\d+)$/.exec(sparkAt().url)?.[1]) : null);
    open.push({ stop: () => proxy.close() });
    return proxy;
  };
  const failure = async (work: Promise<unknown>): Promise<EtlError> => {
    const error: unknown = await work.then(() => null, (caught: unknown) => caught);
    expect(error).toBeInstanceOf(EtlError);
    return error as EtlError;
  };
  const ms = async (work: Promise<unknown>): Promise<number> => { const begun = performance.now(); await work.catch(() => undefined); return performance.now() - begun; };

  it('says at once that nobody is there, and where', async () => {
    const error = await failure(SparkSession.open({ url: 'sc://127.0.0.1:9', token: null }));
    expect(error.code).toBe('connection.unreachable');
    expect(error.message).toContain('127.0.0.1:9');
    expect(error.next).toContain('ETL_ENGINES_SPARK_URL');
  });
  it('gives up on a line that nobody answers', async () => {
    const { port } = await proxied('nobody');
    const away = SparkSession.open({ url: `sc://127.0.0.1:${port}`, token: null, silenceMs: 1_500 });
    expect(await ms(away)).toBeLessThan(8_000);
    expect((await failure(away)).code).toBe('connection.unreachable');
  }, 20_000);
  it('refuses a wrong token by its own code, without the token in its words', async () => {
    const error = await failure(SparkSession.open({ ...sparkAt(), token: 'not-the-token' }));
    expect(error.code).toBe('connection.auth-failed');
    expect(JSON.stringify([error.message, error.next, String(error.cause)])).not.toContain('not-the-token');
  });
  it('is released when it stops: its id is of no further use, and its views are gone', async () => {
    const sessionId = randomUUID();
    const first = await opened({ sessionId });
    await first.query(compile(sql`SELECT 1 AS n`));
    await first.stop();
    expect((await failure(SparkSession.open({ ...sparkAt(), sessionId }))).code).toBe('connection.interrupted');
  }, 60_000);
  it('takes up the stream when the line is cut, without a row lost or doubled', async () => {
    const proxy = await proxied();
    const session = await opened({ url: `sc://127.0.0.1:${proxy.port}` });
    const cutting = setInterval(() => { proxy.cut(); }, 400);
    try {
      const rows = await session.query(compile(sql`SELECT id FROM range(0, 400000, 1, 40)`));
      const seen = new Set(rows.map(({ id }) => String(id)));
      expect([rows.length, seen.size]).toEqual([400_000, 400_000]);
    } finally {
      clearInterval(cutting);
    }
  }, 60_000);
  it('gives up on a server that does not answer beside a long statement, however open its line is', async () => {
    const proxy = await proxied();
    const session = await opened({ url: `sc://127.0.0.1:${proxy.port}`, silenceMs: 2_000 });
    const asked = session.query(long);
    setTimeout(() => { proxy.hang(); }, 1_500);
    expect(await ms(asked)).toBeLessThan(15_000);
    expect((await failure(asked)).code).toBe('connection.interrupted');
    // What it left is ended from another line.
    const other = await SparkSession.open({ ...sparkAt(), sessionId: session.id });
    await other.interrupt();
    await other.stop();
  }, 40_000);
  it('writes under an operation id that was known before the call, and lets a successor take it up', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spark-write-'));
    try {
      const [sessionId, operationId] = [randomUUID(), randomUUID()];
      const first = await opened({ sessionId });
      const statement = compile(sql`SELECT a.id AS ${identifier('c0')} FROM range(20000) AS a CROSS JOIN range(2000) AS b WHERE a.id * b.id % 999983 = 1`);
      const written = first.write({ statement, folder: join(folder, 'out'), operationId }).catch(() => 'left');
      await sleep(700);
      first.leave();
      const second = await opened({ sessionId });
      await second.takeUp(operationId);
      expect(await readdir(join(folder, 'out'))).toContain('_SUCCESS');
      expect(['left', undefined]).toContain(await written);
      await sleep(1_000);
      expect((await failure(second.takeUp(operationId))).code).toBe('connection.interrupted'); // it was let go
      expect((await failure(second.write({ statement, folder: join(folder, 'out'), operationId: randomUUID() }))).code).toBe('platform.internal'); // never over what is there
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);
  it('names a folder that Spark does not see', async () => {
    const error = await failure((await opened()).view('nothing', ['/no/such/folder/staged.parquet']));
    expect([error.code, error.next]).toEqual(['config.invalid', expect.stringContaining('ETL_ENGINES_SPARK_FOLDER')]);
  });
  it('knows failures by class and SQLSTATE, and keeps no value of a row', async () => {
    const session = await opened();
    const codes = await Promise.all(([[sql`SELECT 1/id AS n FROM range(1)`, 'data.value-out-of-range'], [sql`SELECT CAST(9223372036854775807 AS BIGINT) + id AS n FROM range(1, 2)`, 'data.value-out-of-range'], [sql`SELECT no_such AS n`, 'platform.internal'], [sql`SELEC 1`, 'platform.internal']] as const).map(async ([statement, code]) => [(await failure(session.query(compile(statement)))).code, code]));
    for (const [found, wanted] of codes) expect(found).toBe(wanted);
    const error = await failure(session.query(compile(sql`SELECT CAST(concat('value-', id) AS INT) AS n FROM range(41, 42)`)));
    expect(error.details['type']).toBe('int');
    expect(JSON.stringify([error.message, error.next, error.details, String(error.cause), error.cause])).not.toContain('value-41');
  }, 30_000);
});
