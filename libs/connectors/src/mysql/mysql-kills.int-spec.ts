import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { LoadTask, PublishTask } from '@agent-etl/contracts';
import { aFaultProxy } from '../postgres/testing/fault-proxy.ts';
import { testTools } from '../postgres/testing/postgres-harness.ts';
import type { SinkSession } from '../port.ts';
import { mysqlConnector } from './mysql-connector.ts';
import { MysqlSession } from './mysql-session.ts';
import { type AMysql, aMysql, mysqlUrl } from './testing/mysql-harness.ts';

const program = fileURLToPath(new URL('./testing/killed-writer.ts', import.meta.url));
const column = (name: string, kind: 'i64' | 'text', targetNative: string) => ({ source: name, target: name, type: { kind }, sourceNative: targetNative, targetNative, nullable: false });
const load = (dataset: string): LoadTask => ({
  id: 'load', kind: 'load', engine: 'stream', source: { connection: 'else', dataset: 'x' }, target: { connection: 'maria', dataset }, columns: [column('id', 'i64', 'BIGINT'), column('v', 'text', 'LONGTEXT')], carrier: 'text',
  chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 1 }, sourceFingerprint: '0'.repeat(64), options: {}, digest: 'text-md5',
});
const url = mysqlUrl();
if (url === null) it.skip('needs a MariaDB', () => undefined);
else describe('a writer of MariaDB that is killed', () => {
  let maria: AMysql;
  beforeAll(async () => { maria = await aMysql(url, `t_mysql_kills_${process.pid}`); });
  afterAll(() => maria.drop());
  const count = async (statement: string): Promise<number> => Number(((await maria.admin.query(statement)) as unknown as [{ n: number }[]])[0][0]?.n);
  const staging = async (): Promise<string[]> => ((await maria.admin.query(`SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${maria.connection.database}' AND TABLE_NAME REGEXP '^_etl_[sno]_'`)) as unknown as [{ name: string }[]])[0].map(({ name }) => name);
  const start = (told: object) => spawn(process.execPath, ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', program, JSON.stringify({ connection: maria.connection, rowsPerPiece: 500, ...told })], { stdio: ['ignore', 'pipe', 'inherit'] });
  const next = async (task: LoadTask, runId: string, attempt: number) => (await mysqlConnector.open(maria.connection, testTools('next'))).sink.begin(task, { runId, task: 'load', attempt, holder: 'next' });

  it('has in staging exactly what its ledger says, wherever kill -9 hits', async () => {
    const [runId, task] = [randomUUID(), load('made')];
    let seen = 0;
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      const child = start({ task, runId, attempt });
      await once(child.stdout, 'data'); // its first piece is in
      await sleep(attempt * 13);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const sink = await next(task, runId, attempt + 100);
      expect(await sink.raise()).toBe(attempt * 2);
      const ledger = await sink.ledger();
      const [name] = await staging();
      expect([await count(`SELECT count(*) AS n FROM ${name}`), await count(`SELECT sum(length(v)) AS n FROM ${name}`)]).toEqual([ledger.length * 500, ledger.length * 50_000]);
      expect(ledger.length).toBeGreaterThan(seen);
      seen = ledger.length;
      if (attempt === 6) await sink.discard();
      await sink.close();
    }
  }, 120_000);

  it.each([['rename', 'before'], ['rename', 'after'], ['swap', 'before'], ['swap', 'after'], ['truncate-insert', 'after'], ['upsert', 'before']] as const)('publishes once by %s, though its connections end %s any one of its statements', async (how, when) => {
    const isNew = how === 'rename';
    const old = isNew ? 0 : 2;
    const kept = how === 'upsert' ? 1 : 0;
    for (let statement = 1, isAlive = false; !isAlive; statement += 1) {
      const dataset = `t_${how.slice(0, 4)}_${when}_${statement}`;
      const [runId, task] = [randomUUID(), load(dataset)];
      if (!isNew) await maria.admin.query(`CREATE TABLE ${dataset} (id BIGINT PRIMARY KEY, v LONGTEXT NOT NULL, KEY part (v(8))); INSERT INTO ${dataset} VALUES (-1, 'old'), (0, 'old')`);
      const publish: PublishTask = { id: 'publish', kind: 'publish', engine: 'stream', load: 'load', source: task.source, target: task.target, columns: task.columns, how, key: ['id'], keyFromSource: true, level: 'counts', digest: 'text-md5' };
      isAlive = await publishedUntil({ statement, when }, await staged(task, runId), publish);
      const isThere = await count(`SELECT count(*) AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${maria.connection.database}' AND TABLE_NAME = '${dataset}'`) === 1;
      const between = isThere ? await count(`SELECT count(*) AS n FROM ${dataset}`) : 0; // what a reader sees now
      const sink = await next(task, runId, 2);
      await sink.raise();
      const isPublished = (await sink.ledger()).some(({ chunkKey }) => chunkKey === 'publish');
      expect([statement, isPublished, await count(`SELECT ${isThere ? `count(*) AS n FROM ${dataset}` : '0 AS n'}`)]).toEqual([statement, isPublished, isPublished ? 20 + kept : old]);
      expect([old, 20 + kept]).toContain(between);
      expect(await sink.publish(publish, { rows: 20, digest: null })).toMatchObject({ published: 20 });
      expect([await count(`SELECT count(*) AS n FROM ${dataset}`), await count(`SELECT count(*) AS n FROM ${dataset} WHERE v = 'old'`)]).toEqual([20 + kept, kept]);
      expect(await count(`SELECT count(DISTINCT INDEX_NAME) AS n FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = '${maria.connection.database}' AND TABLE_NAME = '${dataset}'`)).toBe(isNew ? 1 : 2);
      expect(await staging()).toEqual([]);
      await sink.close();
      expect(statement).toBeLessThan(60);
    }
  }, 120_000);
  async function staged(task: LoadTask, runId: string): Promise<SinkSession> {
    const sink = await next(task, runId, 1);
    await sink.raise();
    await sink.prepare({ fresh: 'keep' });
    const piece = await sink.begin({ key: 'all', ordinal: 0, from: null, to: null });
    if (piece === 'done') throw new Error('nothing was written yet');
    piece.to.write(Buffer.from(Array.from({ length: 20 }, (_, row) => `"${row}","new"\n`).join('')));
    await piece.commit({ rows: 20, rejected: 0, bytes: 1, digest: null });
    return sink;
  }

  it('begins a piece no longer than the attempt may wait, where its line lets it in or not and then goes silent', async () => {
    const proxy = await aFaultProxy({ host: maria.connection.host ?? '127.0.0.1', port: maria.connection.port ?? 3306 });
    const sink = await (await mysqlConnector.open({ ...maria.connection, host: '127.0.0.1', port: proxy.port }, testTools('silent'))).sink.begin(load('t_begun'), { runId: randomUUID(), task: 'load', attempt: 1, holder: 'killed' });
    try {
      await sink.raise();
      await sink.prepare({ fresh: 'start-over' });
      for (const afterBytes of [1, 150]) {
        const stop = new AbortController();
        proxy.strike({ is: 'stall', way: 'to-client', afterBytes });
        const told = sink.begin({ key: 'k', ordinal: 0, from: null, to: null }, stop.signal).then(() => 'begun', (error: unknown) => error);
        for (const until = performance.now() + 3_000; proxy.struck === 0 && performance.now() < until; await sleep(10));
        await sleep(50);
        const at = performance.now();
        stop.abort(new Error('given up'));
        expect(await Promise.race([told, sleep(3_000, 'it hangs', { ref: false })])).toBe(stop.signal.reason);
        expect(performance.now() - at).toBeLessThan(500);
      }
    } finally {
      proxy.strike(null);
      await sink.discard();
      await sink.close();
      await proxy.close();
    }
  }, 30_000);
  it('asks what came of a commit no longer than a commit may take, where the next line lets it in and then goes silent', async () => {
    const proxy = await aFaultProxy({ host: maria.connection.host ?? '127.0.0.1', port: maria.connection.port ?? 3306 });
    const task = load('t_silent');
    const sink = await (await mysqlConnector.open({ ...maria.connection, host: '127.0.0.1', port: proxy.port }, testTools('silent'))).sink.begin(task, { runId: randomUUID(), task: 'load', attempt: 1, holder: 'killed' });
    const { change, run } = MysqlSession.prototype;
    const asked: string[] = [];
    try {
      await sink.raise();
      await sink.prepare({ fresh: 'start-over' });
      const stop = new AbortController();
      const piece = await sink.begin({ key: 'k', ordinal: 0, from: null, to: null }, stop.signal);
      if (piece === 'done') throw new Error('not done yet');
      piece.to.write(Buffer.from('1,a\n'));
      MysqlSession.prototype.change = function cut(this: MysqlSession, ...args) {
        if (args[0].text === 'COMMIT') this.destroy();
        return change.apply(this, args);
      };
      MysqlSession.prototype.run = function asking<T>(this: MysqlSession, ...args: Parameters<MysqlSession['run']>) {
        asked.push(args[0].text);
        if (args[0].text === 'SET NAMES utf8mb4') proxy.strike({ is: 'stall', way: 'to-client', afterBytes: 1 });
        return run.apply(this, args) as Promise<T[]>;
      };
      const told = piece.commit({ rows: 1, rejected: 0, bytes: 4, digest: null }, stop.signal).catch(({ code }: { code?: string }) => code);
      for (const until = performance.now() + 5_000; proxy.struck === 0 && performance.now() < until; await sleep(10));
      expect([proxy.struck, asked.at(-1)]).toEqual([1, 'SET NAMES utf8mb4']); // it was let in, and what it asked first is not answered
      stop.abort(new Error('given up'));
      expect(await Promise.race([told, sleep(4_000, 'it hangs', { ref: false })])).toBe('connection.interrupted');
    } finally {
      Object.assign(MysqlSession.prototype, { change, run });
      proxy.strike(null);
      await sink.discard();
      await sink.close();
      await proxy.close();
    }
  }, 30_000);
});
/** Publishes, and at the n-th statement ends every connection of the writer, as its death would; what it was about to do never comes. Answers whether it came to its end. */
async function publishedUntil({ statement, when }: { statement: number; when: 'before' | 'after' }, sink: SinkSession, task: PublishTask): Promise<boolean> {
  const real = MysqlSession.prototype.run;
  const used = new Set<MysqlSession>();
  const died = new Promise<false>((done) => {
    let statements = 0;
    MysqlSession.prototype.run = async function counted<T>(this: MysqlSession, ...args: Parameters<MysqlSession['run']>): Promise<T[]> {
      used.add(this);
      statements += 1;
      const isLast = statements === statement;
      const answer = isLast && when === 'before' ? [] : await real.apply(this, args) as T[];
      if (!isLast) return answer;
      MysqlSession.prototype.run = real;
      for (const session of used) session.destroy();
      done(false);
      return new Promise<never>(() => undefined);
    };
  });
  try {
    const isAlive = await Promise.race([died, sink.publish(task, { rows: 20, digest: null }).then(() => true)]);
    if (isAlive) await sink.close();
    return isAlive;
  } finally {
    MysqlSession.prototype.run = real;
  }
}
