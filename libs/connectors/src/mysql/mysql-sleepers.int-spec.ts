import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { LoadTask, PublishTask } from '@agent-etl/contracts';
import { testTools } from '../postgres/testing/postgres-harness.ts';
import type { SinkSession } from '../port.ts';
import { SleepingProcess } from '../testing/sleeping-process.ts';
import { mysqlConnector } from './mysql-connector.ts';
import { type AMysql, aMysql, mysqlUrl } from './testing/mysql-harness.ts';

/** Every way of writing where somebody asks for all of them; otherwise one that waits for no lock, which takes ten seconds. */
const isWhole = process.env['ETL_TEST_FAULTS'] === 'all';
const ROWS = 20;
const program = fileURLToPath(new URL('./testing/sleeping-writer.ts', import.meta.url));
const column = (name: string, kind: 'i64' | 'text', targetNative: string) => ({ source: name, target: name, type: { kind }, sourceNative: targetNative, targetNative, nullable: false });
const load = (dataset: string): LoadTask => ({
  id: 'load', kind: 'load', engine: 'stream', source: { connection: 'else', dataset: 'x' }, target: { connection: 'maria', dataset }, columns: [column('id', 'i64', 'BIGINT'), column('v', 'text', 'LONGTEXT')], carrier: 'text',
  chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 1 }, sourceFingerprint: '0'.repeat(64), options: {}, digest: 'text-md5',
});
const publishOf = ({ source, target, columns }: LoadTask, how: PublishTask['how']): PublishTask => ({ id: 'publish', kind: 'publish', engine: 'stream', load: 'load', source, target, columns, how, key: ['id'], keyFromSource: true, level: 'counts', digest: 'text-md5' });

const moments = ['fence is raised', 'next run has published'] as const;
type Sleep = readonly [sleepsIn: 'piece' | 'publish', how: PublishTask['how'], before: 'COMMIT' | 'RENAME'];
const quick: Sleep[] = [['publish', 'swap', 'RENAME']];
const all: Sleep[] = [...quick, ['publish', 'rename', 'RENAME'], ['piece', 'rename', 'COMMIT'], ['publish', 'append', 'COMMIT'], ['publish', 'truncate-insert', 'COMMIT'], ['publish', 'upsert', 'COMMIT']];

/** F9: a process sleeps between its last look at the fence and COMMIT or RENAME, another takes over, and then it wakes. */
const url = mysqlUrl();
if (url === null) it.skip('needs a MariaDB', () => undefined);
else describe('a writer of MariaDB that sleeps', () => {
  let maria: AMysql;
  beforeAll(async () => { maria = await aMysql(url, `t_mysql_sleepers_${process.pid}`); });
  afterAll(() => maria.drop());
  const rowsOf = async <T>(statement: string): Promise<T[]> => ((await maria.admin.query(statement)) as unknown as [T[]])[0];
  const tables = async (pattern: string): Promise<string[]> => (await rowsOf<{ name: string }>(`SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${maria.connection.database}' AND TABLE_NAME REGEXP '${pattern}'`)).map(({ name }) => name);
  const contentOf = async (dataset: string): Promise<unknown> => ((await tables(`^${dataset}$`)).length === 0 ? null : rowsOf(`SELECT v, count(*) AS n, count(DISTINCT id) AS ids FROM ${dataset} GROUP BY v ORDER BY v`));
  const next = async (task: LoadTask, runId: string, attempt: number): Promise<SinkSession> => {
    const sink = await (await mysqlConnector.open(maria.connection, testTools('next'))).sink.begin(task, { runId, task: 'load', attempt, holder: 'next' });
    await sink.raise();
    await sink.prepare({ fresh: 'keep' });
    return sink;
  };
  /** Writes what is missing and publishes. */
  async function finish(sink: SinkSession, publish: PublishTask, says: string): Promise<void> {
    const piece = await sink.begin({ key: 'all', ordinal: 0, from: null, to: null });
    if (piece !== 'done') {
      piece.to.write(Buffer.from(Array.from({ length: ROWS }, (_, row) => `"${row}","${says}"\n`).join('')));
      await piece.commit({ rows: ROWS, rejected: 0, bytes: 1, digest: null });
    }
    expect(await sink.publish(publish, { rows: ROWS, digest: null })).toMatchObject({ published: ROWS });
    await sink.close();
  }

  describe.each(isWhole ? all : quick)('in its %s by %s before %s', (sleepsIn, how, before) => {
    it.each(isWhole ? moments : moments.slice(0, 1))('changes nothing once the %s, and leaves nothing', async (until) => {
      const dataset = `t_${sleepsIn}_${how.slice(0, 4)}_${until.slice(0, 4)}`;
      const [task, runId] = [load(dataset), randomUUID()];
      const publish = publishOf(task, how);
      if (how !== 'rename') await maria.admin.query(`CREATE TABLE ${dataset} (id BIGINT, v LONGTEXT NOT NULL${how === 'append' ? '' : ', PRIMARY KEY (id)'}); INSERT INTO ${dataset} VALUES (-1, 'old')`);
      const sleeper = await SleepingProcess.start(program, { connection: maria.connection, task, publish, runId, sleepsIn, before });
      const taking = await next(task, runId, 2);
      const isEarly = until === 'fence is raised';
      if (!isEarly) {
        await finish(taking, publish, 'new');
        await finish(await next(task, randomUUID(), 1), { ...publish, how: how === 'rename' ? 'swap' : how }, 'later');
      }
      const seen = await contentOf(dataset);
      // Of a piece it only asks whether it is written. It is, and so is its run published: by the attempt that came.
      expect(await sleeper.wake()).toBe(sleepsIn === 'piece' && !isEarly ? 'published' : 'lease.lost');
      expect(await contentOf(dataset)).toEqual(seen);
      if (isEarly) await finish(taking, publish, 'new');
      const kept = how === 'append' || how === 'upsert' ? [{ v: 'old', n: 1, ids: 1 }] : [];
      const rows = { n: ROWS, ids: ROWS };
      const expected = isEarly ? [{ v: 'new', ...rows }, ...kept] : how === 'append' ? [{ v: 'later', ...rows }, { v: 'new', ...rows }, ...kept] : [{ v: 'later', ...rows }, ...kept];
      expect(await contentOf(dataset)).toEqual(expected);
      expect([await tables('^_etl_[sno]_'), await rowsOf(`SELECT INFO FROM information_schema.PROCESSLIST WHERE DB = '${maria.connection.database}' AND ID <> CONNECTION_ID()`)]).toEqual([[], []]);
    }, 90_000);
  });
});
