import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type LoadTask, type Profile, digestText } from '@agent-etl/contracts';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { OpenConnection } from '../port.ts';
import { postgresConnector } from './postgres-connector.ts';
import { type FaultProxy, aFaultProxy } from './testing/fault-proxy.ts';
import { aDatabase, clientOf, connectionTo, describeServer, testTools } from './testing/postgres-harness.ts';

const ROWS = 20_000;
/** Places all over a copy of about 2 MB: its first bytes, inside rows and at their edges, near its end. */
const offsets = [1, 5, 6, 19, 20, 21, 100, 1_000, 8_191, 8_192, 65_535, 65_536, 300_000, 700_001, 1_048_576, 1_400_000];

/** F13: a line that is cut, half open or dripping in the middle of a COPY. */
describeServer('postgres-broken-lines', (adminUrl) => {
  const database = `t_lines_${process.pid}`;
  let drop: () => Promise<void>;
  let admin: pg.Client;
  let proxy: FaultProxy;
  let [direct, broken] = [undefined as unknown as OpenConnection, undefined as unknown as OpenConnection];
  let profile: Profile;
  beforeAll(async () => {
    drop = await aDatabase(adminUrl, database);
    admin = await clientOf(adminUrl, database);
    await admin.query(`create table lines (id int primary key, v text); insert into lines select n, repeat(md5(n::text), 3) from generate_series(1, ${ROWS}) as n; analyze lines`);
    const url = new URL(adminUrl);
    proxy = await aFaultProxy({ host: url.hostname, port: Number(url.port || 5432) });
    direct = await postgresConnector.open(connectionTo(adminUrl, database), testTools('lines'));
    broken = await postgresConnector.open({ ...connectionTo(adminUrl, database), host: '127.0.0.1', port: proxy.port }, testTools('lines'));
    profile = await direct.profile('public.lines', 'source');
  }, 60_000);
  afterAll(async () => {
    await Promise.all([direct?.close(), broken?.close()]);
    await proxy?.close();
    await admin?.end();
    await drop?.();
  }, 60_000);

  const load = (): LoadTask => ({
    id: 'load', kind: 'load', engine: 'splice', source: { connection: profile.connection, dataset: 'public.lines' }, target: { connection: 'here', dataset: 'public.lines_copy' } as LoadTask['target'],
    columns: profile.columns.map((column) => ({ source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: column.native, nullable: column.nullable })),
    carrier: 'frames', chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 8192 }, sourceFingerprint: profile.fingerprint, options: {}, digest: 'pg-frame' });
  const { signal: never } = new AbortController();
  /** One piece from one end to the other; a fault strikes once both ends stand. */
  async function piece(from: OpenConnection, to: OpenConnection, { begin, signal = never }: { begin: () => void; signal?: AbortSignal }): Promise<string> {
    proxy.strike(null);
    const [session, sink] = [await from.source.begin(load(), null), await to.sink.begin(load(), { runId: randomUUID(), task: 'load', attempt: 1, holder: 'tests' })];
    try {
      await sink.raise();
      await sink.prepare({ fresh: 'start-over' });
      const [range] = await session.cut();
      begin();
      const writer = await sink.begin(range!, signal);
      if (writer === 'done') throw new Error('nothing was written yet');
      try {
        const { rows, bytes, digest } = await session.read(range!, { to: writer.to, onRead: () => undefined, signal });
        const answer = await writer.commit({ rows, rejected: 0, bytes, digest }, signal);
        return `${answer} ${digest === null ? '' : digestText(digest)}`;
      } catch (cause) {
        await writer.abort(cause);
        throw cause;
      }
    } finally {
      proxy.strike(null);
      await sink.discard().catch(() => undefined);
      await Promise.allSettled([session.close(), sink.close()]);
    }
  }
  const codeOf = (work: Promise<string>): Promise<string> => work.catch((error: { code?: string; message: string }) => error.code ?? error.message);
  /** Staging and sessions in a transaction that are still there after at most five seconds. */
  async function leftBehind(): Promise<unknown> {
    for (const until = performance.now() + 5_000; ; await delay(50)) {
      const { rows } = await admin.query(`select (select count(*)::int from pg_class where relnamespace = to_regnamespace('_etl') and relname like 's\\_%' and relkind = 'r') as staging,
        (select count(*)::int from pg_stat_activity where datname = current_database() and application_name = 'lines') as sessions`);
      if ((rows[0] as { staging: number; sessions: number }).sessions === 0 || performance.now() > until) return rows[0];
    }
  }
  const clean = { staging: 0, sessions: 0 };

  describe.each(['to-client', 'to-server'] as const)('%s', (way) => {
    const ends = (): [OpenConnection, OpenConnection] => (way === 'to-client' ? [broken, direct] : [direct, broken]);
    it('a line that is cut is told as interrupted, wherever it is cut, and leaves a clean server', async () => {
      for (const afterBytes of offsets) {
        const code = await codeOf(piece(...ends(), { begin: () => { proxy.strike({ is: 'cut', way, afterBytes }); } }));
        expect([afterBytes, code]).toEqual([afterBytes, expect.stringMatching(/^connection\.(interrupted|unreachable)$/)]);
      }
      expect(await leftBehind()).toEqual(clean);
    }, 120_000);
    it('a line that goes silent holds nobody past the moment it is given up', async () => {
      for (const [afterBytes, told] of [[100, 'given up'], [100_000, 'given up'], [300_000, 'given up']] as const) {
        const stop = new AbortController();
        let stoppedAt = 0;
        setTimeout(() => { stoppedAt = performance.now(); stop.abort(new Error('given up')); }, 1_500);
        const code = await codeOf(piece(...ends(), { signal: stop.signal, begin: () => { proxy.strike({ is: 'stall', way, afterBytes }); } }));
        expect([afterBytes, code, performance.now() - stoppedAt < 5_000]).toEqual([afterBytes, way === 'to-server' && told === 'given up' ? expect.stringMatching(/^(given up|connection\.interrupted)$/) : told, true]); // what was sent into silence is found out when its commit is not answered
      }
      expect(await leftBehind()).toEqual(clean);
    }, 60_000);
    it('a line that drips carries every row', async () => {
      const whole = await piece(direct, direct, { begin: () => undefined });
      expect(await piece(...ends(), { begin: () => { proxy.strike({ is: 'drip', way, afterBytes: 1 }); } })).toBe(whole);
    }, 60_000);
  });
});
