import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { LoadTask, Profile } from '@agent-etl/contracts';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { OpenConnection } from '../port.ts';
import { postgresConnector } from './postgres-connector.ts';
import { type Fault, type FaultProxy, aFaultProxy } from './testing/fault-proxy.ts';
import { aDatabase, clientOf, connectionTo, describeServer, testTools } from './testing/postgres-harness.ts';

const ROWS = 50;
const SEED = 20_261_130;
/** Each way a commit can be lost is seen at least so often. */
const LEAST = 100;

/** F4: a COMMIT is sent and its answer never comes; whether it happened, the ledger alone knows. */
describeServer('postgres-lost-answers', (adminUrl) => {
  const database = `t_answers_${process.pid}`;
  let drop: () => Promise<void>;
  let admin: pg.Client;
  let proxy: FaultProxy;
  let [direct, broken] = [undefined as unknown as OpenConnection, undefined as unknown as OpenConnection];
  let profile: Profile;
  beforeAll(async () => {
    drop = await aDatabase(adminUrl, database);
    admin = await clientOf(adminUrl, database);
    await admin.query(`create table answers (id int primary key, v text); insert into answers select n, md5(n::text) from generate_series(1, ${ROWS}) as n; analyze answers`);
    const url = new URL(adminUrl);
    proxy = await aFaultProxy({ host: url.hostname, port: Number(url.port || 5432) });
    direct = await postgresConnector.open(connectionTo(adminUrl, database), testTools('answers'));
    broken = await postgresConnector.open({ ...connectionTo(adminUrl, database), host: '127.0.0.1', port: proxy.port }, testTools('answers'));
    profile = await direct.profile('public.answers', 'source');
  }, 60_000);
  afterAll(async () => {
    await Promise.all([direct?.close(), broken?.close()]);
    await proxy?.close();
    await admin?.end();
    await drop?.();
  }, 60_000);

  const load = (): LoadTask => ({
    id: 'load', kind: 'load', engine: 'splice', source: { connection: profile.connection, dataset: 'public.answers' }, target: { connection: 'here', dataset: 'public.answers_copy' } as LoadTask['target'],
    columns: profile.columns.map((column) => ({ source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: column.native, nullable: column.nullable })),
    carrier: 'frames', chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 8192 }, sourceFingerprint: profile.fingerprint, options: {}, digest: 'pg-frame' });
  /** One piece whose commit meets a fault: what it answered, and what a second try then found. */
  async function piece(fault: Fault | null): Promise<{ first: string; second: string; rows: number; carried: FaultProxy['carried'] }> {
    const [session, sink] = [await direct.source.begin(load(), null), await broken.sink.begin(load(), { runId: randomUUID(), task: 'load', attempt: 1, holder: 'tests' })];
    const attempt = async (strike: () => void): Promise<string> => {
      try {
        const writer = await sink.begin((await session.cut())[0]!);
        if (writer === 'done') return 'done';
        const counts = await session.read((await session.cut())[0]!, { to: writer.to, onRead: () => undefined, signal: new AbortController().signal });
        strike();
        return await writer.commit({ ...counts, rejected: 0 });
      } catch (error) {
        if ((error as { code?: string }).code !== 'connection.interrupted') throw error;
        return 'interrupted';
      }
    };
    try {
      await sink.raise();
      await sink.prepare({ fresh: 'start-over' });
      const first = await attempt(() => { proxy.strike(fault); });
      const carried = { ...proxy.carried };
      proxy.strike(null);
      let second = await attempt(() => undefined);
      if (second === 'interrupted') second = await attempt(() => undefined); // the line broke once its answer was through: the next piece was the first to notice
      const { rows: [staged] } = await admin.query<{ name: string }>(`select relname as name from pg_class where relnamespace = to_regnamespace('_etl') and relname like 's\\_%' and relkind = 'r'`);
      return { first, second, carried, rows: (await admin.query(`select 1 from _etl.${admin.escapeIdentifier(staged!.name)}`)).rowCount ?? -1 };
    } finally {
      await sink.discard();
      await Promise.allSettled([session.close(), sink.close()]);
    }
  }

  it('asks the ledger, writes again what did not happen and nothing that did, a hundred times each', async () => {
    const { carried: whole, ...clean } = await piece(null);
    expect(clean).toEqual({ first: 'written', second: 'done', rows: ROWS });
    let state = SEED;
    const random = (below: number): number => { state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; return Math.floor(state / 2 ** 32 * below); };
    const seen = new Map<string, number>();
    for (let tries = 0; ((seen.get('written') ?? 0) < LEAST || (seen.get('redo') ?? 0) < LEAST) && tries < 1_500; tries += 1) {
      const way = (['to-client', 'to-server'] as const)[tries % 2]!;
      // The commit is the last message of the exchange: most cuts fall into it, some before.
      const { first, second, rows } = await piece({ is: 'cut', way, afterBytes: Math.max(1, whole[way] - random(tries % 8 === 0 ? whole[way] : 14)), once: true });
      expect([way, tries, rows]).toEqual([way, tries, ROWS]);
      expect([first, second]).toEqual([first, first === 'written' ? 'done' : expect.stringMatching(/^(written|done)$/)]);
      seen.set(first, (seen.get(first) ?? 0) + 1);
    }
    process.stdout.write(`lost answers, seed ${SEED}: ${[...seen].map(([what, times]) => `${what} ${times}`).join(', ')}\n`);
    expect(seen.get('written')).toBeGreaterThanOrEqual(LEAST);
    expect(seen.get('redo')).toBeGreaterThanOrEqual(LEAST);
  }, 180_000);
});
