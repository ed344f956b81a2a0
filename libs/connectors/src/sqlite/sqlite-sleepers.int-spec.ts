import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { LoadTask, PublishTask } from '@agent-etl/contracts';
import type { SinkSession } from '../port.ts';
import { SleepingProcess } from '../testing/sleeping-process.ts';
import { type ADatabase, aSqlite } from './testing/sqlite-harness.ts';

/** Every look at the fence and every way where somebody asks for all of them: whoever waits for a file that is locked waits five seconds. */
const isWhole = process.env['ETL_TEST_FAULTS'] === 'all';
const ROWS = 20;
const program = fileURLToPath(new URL('./testing/sleeping-writer.ts', import.meta.url));
const column = (name: string, kind: 'i64' | 'text', targetNative: string) => ({ source: name, target: name, type: { kind }, sourceNative: targetNative, targetNative, nullable: false });
const task: LoadTask = {
  id: 'load', kind: 'load', engine: 'stream', source: { connection: 'else', dataset: 'x' }, target: { connection: 'lite', dataset: 'made' }, columns: [column('id', 'i64', 'INTEGER'), column('v', 'text', 'TEXT')], carrier: 'text',
  chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 1 }, sourceFingerprint: '0'.repeat(64), options: {}, digest: 'text-md5',
};
const comers = ['next attempt', 'next run'] as const;
const publishOf = (how: PublishTask['how']): PublishTask => ({ id: 'publish', kind: 'publish', engine: 'stream', load: 'load', source: task.source, target: task.target, columns: task.columns, how, key: how === 'append' ? null : ['id'], keyFromSource: how !== 'append', level: 'counts', digest: 'text-md5' });

/** F9: a process sleeps between its look at the fence and its commit, another comes, and then it wakes. */
describe.each(isWhole ? ['delete', 'wal'] as const : ['wal'] as const)('a writer of SQLite that sleeps, with a journal of %s', (journal) => {
  let lite: ADatabase;
  beforeEach(async () => { lite = await aSqlite(journal); });
  afterEach(async () => { await lite.drop(); });
  const content = (): unknown => (lite.admin.prepare("SELECT name FROM sqlite_schema WHERE name = 'made'").get() ? lite.admin.prepare('SELECT v, count(*) AS n, count(DISTINCT id) AS ids FROM made GROUP BY v ORDER BY v').all().map((row) => ({ ...row })) : null);
  const sleeping = (look: number, runId: string, how: PublishTask['how']): Promise<SleepingProcess> =>
    SleepingProcess.start(program, { connection: lite.connection, root: lite.folder.root, scratch: lite.folder.tools.scratch, task, publish: publishOf(how), runId, look });
  const next = async (runId: string, attempt: number): Promise<SinkSession> => {
    const sink = await (await lite.open()).sink.begin(task, { runId, task: 'load', attempt, holder: 'next' });
    await sink.raise();
    if (!(await sink.ledger()).some(({ chunkKey }) => chunkKey === 'publish')) await sink.prepare({ fresh: 'keep' });
    return sink;
  };
  async function finish(sink: SinkSession, how: PublishTask['how'], says: string): Promise<void> {
    const piece = await sink.begin({ key: 'all', ordinal: 0, from: null, to: null });
    if (piece !== 'done') {
      piece.to.write(Buffer.from(Array.from({ length: ROWS }, (_, row) => `"${row}","${says}"\n`).join('')));
      await piece.commit({ rows: ROWS, rejected: 0, bytes: 1, digest: null });
    }
    expect(await sink.publish(publishOf(how), { rows: ROWS, digest: null })).toMatchObject({ published: ROWS });
    await sink.close();
  }
  /** No staging, no file of a piece, nothing beside the database. */
  async function expectNothingLeft(): Promise<void> {
    expect(lite.admin.prepare("SELECT name FROM sqlite_schema WHERE name LIKE '\\_etl\\_s\\_%' ESCAPE '\\'").all()).toEqual([]);
    expect([...await readdir(lite.folder.root), ...await readdir(lite.folder.tools.scratch)].filter((name) => !/^shop\.db(-wal|-shm)?$/.test(name))).toEqual([]);
  }

  it.each(isWhole ? comers : comers.slice(0, 1))('while its piece fills has lost its lease once the %s has come: it changes nothing and leaves nothing', async (comes) => {
    const runId = randomUUID();
    const sleeper = await sleeping(2, runId, 'rename');
    const taking = await next(runId, 2);
    if (comes === 'next run') await finish(await next(randomUUID(), 1), 'rename', 'later');
    const seen = content();
    expect(await sleeper.wake()).toBe('lease.lost');
    expect(content()).toEqual(seen);
    if (comes === 'next attempt') await finish(taking, 'rename', 'of the next attempt');
    else {
      await taking.abandon();
      await taking.close();
    }
    expect(content()).toEqual([{ v: comes === 'next run' ? 'later' : 'of the next attempt', n: ROWS, ids: ROWS }]);
    await expectNothingLeft();
  }, 60_000);

  const [commit, publish] = [3, 4];
  const inside: [number, PublishTask['how']][] = [[publish, 'append'], [commit, 'append'], [publish, 'rename'], [publish, 'swap'], [publish, 'upsert']];
  if (isWhole) it.each(inside)('inside its transaction, behind look %i, of a copy by %s, holds others off with a code, and what it commits counts once', async (look, how) => {
    const runId = randomUUID();
    if (how !== 'rename') lite.admin.exec(`CREATE TABLE made (id INTEGER${how === 'append' ? '' : ' PRIMARY KEY'}, v TEXT NOT NULL); INSERT INTO made VALUES (-1, 'old')`);
    const before = content();
    const sleeper = await sleeping(look, runId, how);
    await expect(next(runId, 2)).rejects.toMatchObject({ code: 'sink.busy' });
    if (journal === 'wal') expect(content()).toEqual(before); // readers are not held off, and see nothing of it
    expect(await sleeper.wake()).toBe('published'); // nobody has counted its fence up
    await finish(await next(runId, 2), how, 'of the next attempt');
    const kept = how === 'append' || how === 'upsert' ? [{ v: 'old', n: 1, ids: 1 }] : [];
    expect(content()).toEqual([{ v: 'new', n: ROWS, ids: ROWS }, ...kept]);
    await expectNothingLeft();
  }, 60_000);
});
