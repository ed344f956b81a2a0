import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { LoadResult, type LoadTask } from '@agent-etl/contracts';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import type { CrashPoint } from '@agent-etl/service-kit';
import type { ProgramProcess } from '@agent-etl/service-kit/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { ACopy } from '../testing/a-copy.ts';
import { unsound } from '../testing/oracle.ts';
import { workerSchema } from '../testing/a-worker.ts';
import { startWorker } from '../testing/worker-process.ts';

const ROWS = 200_000;
const PIECE_BYTES = 2_000_000;
const crashPoints: CrashPoint[] = [
  'task.claimed', 'task.beat', 'source.opened', 'fence.raised', 'sink.before-commit', 'sink.after-commit', 'reconcile.counted', 'publish.committed', 'report.written',
];

/** Both passes of every crash point where somebody asks for all, one of them otherwise. */
const isWhole = process.env['ETL_TEST_FAULTS'] === 'all';

describePostgres('a worker process', () => {
  let database: TestState;
  const processes: ProgramProcess[] = [];
  const copies: ACopy[] = [];
  beforeAll(async () => { database = await aStateDatabase('worker_crash', [workerSchema]); }, 60_000);
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((one) => one.kill()));
    await Promise.all(copies.splice(0).map((copy) => copy.close()));
  });
  afterAll(() => database?.drop());

  const worker = async (crash: `${CrashPoint}:${number}` | '' = '', env: Record<string, string> = {}): Promise<ProgramProcess> => {
    const one = await startWorker({ urls: database.logins, crash, fileRoots: [], env: { ETL_ETL_WORKER_LEASE_MS: '1500', ...env } });
    processes.push(one);
    return one;
  };
  const copyOf = async (name: string, rows = ROWS): Promise<ACopy> => {
    const copy = await ACopy.open(database, name, rows);
    copies.push(copy);
    return copy;
  };
  const untilPieces = async (copy: ACopy, least: number): Promise<void> => {
    for (let tries = 0; tries < 2_000; tries += 1) {
      const pieces = Object.values(await copy.pieces().catch(() => ({}))).reduce((sum, count) => sum + count, 0);
      if (pieces >= least) return;
      await sleep(5);
    }
    throw new Error(`never ${least} pieces`);
  };
  const expectExact = async (copy: ACopy, rows = ROWS, written: number | null = rows): Promise<void> => {
    const { source, target } = await copy.compare();
    expect(source).toMatchObject({ rows, keys: rows });
    expect(target).toEqual(source);
    expect(await unsound(copy.case({ rows: written, compared: 'row by row' }))).toEqual([]);
  };

  it('copies, proves and publishes', async () => {
    await worker();
    const copy = await copyOf('plain');
    const task = await copy.loadTask(PIECE_BYTES);
    const load = await copy.drive(copy.command(task));
    const { result } = await copy.publish(task, load.result);
    expect(result).toMatchObject({ published: ROWS, level: 'full' });
    await expectExact(copy);
  }, 120_000);

  it('that is killed in mid-copy, twice, loses and doubles nothing, and costs at most one piece per slot', async () => {
    const copy = await copyOf('killed');
    let victim = await worker();
    const task = await copy.loadTask(PIECE_BYTES);
    const command = copy.command(task);
    const driving = copy.drive(command);
    await untilPieces(copy, 3);
    await victim.kill();
    const first = await copy.pieces();
    victim = await worker();
    await untilPieces(copy, 6);
    await victim.kill();
    const second = await copy.pieces();
    await worker();
    const { told, result } = await driving;
    expect(told.map(({ outcome }) => (outcome.state === 'failed' ? outcome.failure.code : outcome.state))).toEqual(['lease.expired', 'lease.expired', 'succeeded']);
    const final = await copy.pieces();
    // What was committed before a kill was never written again: each attempt's pieces are still the ones it had.
    expect(final[1]).toBe(first[1]);
    expect(final[2]).toBe(second[2]);
    expect(LoadResult.parse(result)).toMatchObject({ read: ROWS, written: ROWS, resumed: (first[1] ?? 0) + (second[2] ?? 0) });
    await copy.publish(task, result);
    await expectExact(copy);
  }, 120_000);

  describe('that reads only what changed', () => {
    const part = (task: LoadTask, read: 'all' | 'since'): LoadTask => ({
      ...task, cursor: { column: 'at', kind: 'tstz', pipeline: 'crashed', scope: '0'.repeat(64), read, overlapSeconds: 3600 }, chunks: { ...task.chunks, ...(read === 'since' ? { by: 'cursor' } : {}) } });
    /** A copy that was made, a source that went on, and the run that brings the target up to it. */
    const moved = async (name: string, rows: number, pieceBytes: number) => {
      const first = await copyOf(name, rows);
      const one = await worker();
      const task = await first.loadTask(pieceBytes);
      const { result } = await first.drive(first.command(part(task, 'all')));
      await first.publish(part(task, 'all'), result);
      await one.kill();
      await first.db.query(`update public.${name} set note = 'moved', at = at + interval '10 years' where id % 2 = 0`);
      await first.db.query(`insert into public.${name} select -n, '2020-01-01'::timestamptz + n * interval '1 microsecond', null, n from generate_series(1, 1000) as n`);
      return { copy: first.next(), task: part(task, 'since'), position: await first.position() };
    };
    const publishPart = (copy: ACopy, task: LoadTask, load: LoadResult) => copy.publish(task, load, { how: 'upsert', key: ['id'], keyFromSource: false });

    it('and is killed in the middle goes on from the ledger, and moves the position once', async () => {
      const { copy, task, position } = await moved('part_killed', ROWS, 1_000_000);
      const victim = await worker();
      const driving = copy.drive(copy.command(task));
      await untilPieces(copy, 2);
      await victim.kill();
      expect(await copy.position()).toEqual(position);
      await worker();
      const load = LoadResult.parse((await driving).result);
      expect(load.resumed).toBeGreaterThan(0);
      const { result } = await publishPart(copy, task, load);
      expect(result).toMatchObject({ inserted: 1000, updated: ROWS / 2 });
      expect(await copy.position()).toEqual({ value: load.span?.to, run: copy.runId });
      await expectExact(copy, ROWS + 1000, null);
    }, 120_000);

    it.each(['source.opened', 'sink.after-commit', 'reconcile.counted', 'publish.committed'] as const)('and is killed at %s ends exact', async (point) => {
      const { copy, task } = await moved(`part_${point.replaceAll(/\W/g, '_')}`, 20_000, 200_000);
      const victim = await worker(`${point}:1`);
      const run = async (): Promise<void> => { await publishPart(copy, task, LoadResult.parse((await copy.drive(copy.command(task))).result)); };
      const running = run();
      await Promise.race([victim.gone, running, sleep(8_000, undefined, { ref: false })]);
      expect(victim.isAlive).toBe(false);
      await worker();
      await running;
      expect((await copy.position())?.run).toBe(copy.runId);
      await expectExact(copy, 21_000, null);
    }, 120_000);
  });

  describe.each(['merge', 'scd2'] as const)('that publishes by %s', (how) => {
    const vanished = { then: how === 'merge' ? 'delete' : 'close', atMost: 1 } as const;
    it.each(['publish.compared', 'publish.applied', 'publish.committed'] as const)('and is killed at %s does it once', async (point) => {
      const rows = 20_000;
      const first = await copyOf(`${how}_${point.replaceAll(/\W/g, '_')}`, rows);
      const victim = await worker(`${point}:${how === 'merge' || point === 'publish.compared' ? 1 : 2}`);
      const task = await first.loadTask(400_000);
      const publish = (copy: ACopy, load: LoadResult) => copy.publish(task, load, { how, key: ['id'], keyFromSource: true, vanished });
      if (how === 'scd2') await publish(first, LoadResult.parse((await first.drive(first.command(task))).result));
      else await first.db.query(`create schema if not exists mart; create table mart.${first.name} (like public.${first.name} including all); insert into mart.${first.name} select * from public.${first.name}`);
      await first.db.query(`delete from public.${first.name} where id % 10 = 0; update public.${first.name} set note = 'moved' where id % 10 = 1; insert into public.${first.name} select -n, now(), null, n from generate_series(1, 1000) as n`);
      const copy = first.next();
      const running = copy.drive(copy.command(task)).then(({ result }) => publish(copy, LoadResult.parse(result)));
      await Promise.race([victim.gone, running, sleep(8_000, undefined, { ref: false })]);
      expect(victim.isAlive).toBe(false);
      await worker();
      expect((await running).result).toMatchObject({ inserted: 1000, updated: 2000, deleted: 2000, unchanged: 16_000 });
      if (how === 'merge') return expectExact(copy, rows - 1000);
      const look = (from: string) => copy.db.query<{ n: number; h: string }>(`select count(*)::int as n, sum(hashtextextended(row(id, at, note, amount)::text, 0)::numeric)::text as h from ${from}`);
      expect((await look(`mart.${copy.name} where is_current`)).rows).toEqual((await look(`public.${copy.name}`)).rows);
      const { rows: [history] } = await copy.db.query<object>(`select count(*)::int as versions, count(distinct valid_from)::int as begins, count(distinct valid_to)::int as ends, count(valid_to)::int as closed from mart.${copy.name}`);
      expect(history).toEqual({ versions: rows + 3000, begins: 2, ends: 1, closed: 4000 });
      expect(await copy.stagingTables()).toBe(0);
    }, 120_000);
  });

  it('that sleeps past its lease keeps nobody waiting, and commits nothing when it wakes', async () => {
    const copy = await copyOf('slept');
    const sleeper = await worker();
    const task = await copy.loadTask(PIECE_BYTES);
    const command = copy.command(task);
    const driving = copy.drive(command);
    await untilPieces(copy, 2);
    sleeper.signal('SIGSTOP');
    await worker();
    const { told, result } = await driving;
    const before = await copy.pieces();
    sleeper.signal('SIGCONT');
    await sleep(1_000);
    expect(await copy.pieces()).toEqual(before);
    expect(told.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(await copy.stale()).toBe(0);
    await copy.publish(task, result);
    await expectExact(copy);
    expect(sleeper.isAlive).toBe(true);
  }, 120_000);

  it('stops a copy within half a second of the mark, and leaves nothing behind', async () => {
    const copy = await copyOf('cancelled');
    await worker('', { ETL_ETL_WORKER_LEASE_MS: '60000' });
    const command = copy.command(await copy.loadTask(PIECE_BYTES, 1));
    await copy.ask(command);
    await untilPieces(copy, 1);
    const at = performance.now();
    await copy.cancel(command);
    const outcome = await copy.outcome(command);
    expect(outcome).toEqual({ state: 'cancelled' });
    expect(performance.now() - at).toBeLessThan(600);
    expect(await copy.stagingTables()).toBe(0);
  }, 120_000);

  it('that is asked to end gives its task back at once, and another one finishes', async () => {
    const copy = await copyOf('ended');
    const leaving = await worker('', { ETL_ETL_WORKER_LEASE_MS: '60000' });
    const task = await copy.loadTask(PIECE_BYTES);
    const driving = copy.drive(copy.command(task));
    await untilPieces(copy, 2);
    leaving.signal('SIGTERM');
    await leaving.gone;
    await worker();
    const { told, result } = await driving;
    expect(told[0]).toMatchObject({ attempt: 1, outcome: { state: 'failed', failure: { code: 'worker.stopping' } } });
    expect(told).toHaveLength(2);
    expect(LoadResult.parse(result).resumed).toBeGreaterThan(0);
    await copy.publish(task, result);
    await expectExact(copy);
  }, 120_000);

  describe('that sets rows aside', () => {
    const rows = 20_000;
    const bad = Math.floor(rows / 7);
    const judged = (task: LoadTask): LoadTask => ({ ...task, carrier: 'text', digest: 'text-md5', judging: { pipeline: 'crashed', bad: 'aside', atMost: { of: 'share', percent: 20 }, checks: [{ check: 'not_null', column: 'note' }] } });
    const asideOf = async (copy: ACopy): Promise<unknown> => (await copy.db.query(`select count(*)::int as rows, count(distinct raw::json->>'id')::int as ids, min(reason) as reason from _etl.quarantine where run_id = $1`, [copy.runId])).rows[0];

    it.each(['sink.aside-written', 'sink.before-commit', 'sink.after-commit', 'reconcile.counted', 'publish.committed'] as const)('and is killed at %s loses and doubles none of them', async (point) => {
      const copy = await copyOf(`aside_${point.replaceAll(/\W/g, '_')}`, rows);
      const victim = await worker(`${point}:${point.startsWith('sink') ? 2 : 1}`);
      const driving = (async () => {
        const task = judged(await copy.loadTask(400_000));
        const load = await copy.drive(copy.command(task));
        return { load, published: await copy.publish(task, load.result, { digest: 'text-md5' }) };
      })();
      await victim.gone;
      await worker();
      const { load, published } = await driving;
      expect(LoadResult.parse(load.result)).toMatchObject({ read: rows, written: rows - bad, rejected: bad, aside: [{ reason: 'not_null:note', rows: bad, row: null }] });
      expect(published.result).toMatchObject({ published: rows - bad, level: 'full' });
      expect(await asideOf(copy)).toEqual({ rows: bad, ids: bad, reason: 'not_null:note' });
      expect((await copy.db.query(`select count(*)::int as n, count(distinct id)::int as ids from mart.${copy.name}`)).rows).toEqual([{ n: rows - bad, ids: rows - bad }]);
      expect(await copy.stagingTables()).toBe(0);
    }, 120_000);

    it('fails when there are more than may be, publishes nothing, and keeps them to be read', async () => {
      const copy = await copyOf('aside_too_many', rows);
      await worker();
      const task = judged(await copy.loadTask(400_000));
      const command = copy.command({ ...task, judging: { ...task.judging!, atMost: { of: 'rows', rows: bad - 1 } } });
      await copy.ask(command);
      expect(await copy.outcome(command)).toMatchObject({ state: 'failed', failure: { code: 'data.too-many-rejects', text: `${bad} rows rejected, ${bad - 1} allowed, most of them for not_null:note.` } });
      expect(await asideOf(copy)).toMatchObject({ rows: bad, ids: bad });
      expect((await copy.db.query(`select to_regclass('mart.${copy.name}') as target`)).rows).toEqual([{ target: null }]);
    }, 120_000);
  });

  describe.each(crashPoints)('killed at %s', (point) => {
    let shape: LoadTask;
    beforeAll(async () => {
      const copy = await ACopy.open(database, `shape_${point.replaceAll(/\W/g, '_')}`, 20_000);
      const one = await worker();
      shape = await copy.loadTask(400_000);
      await one.kill();
      await copy.close();
    });
    const passes = isWhole || point === 'report.written' ? [1, 2] : [crashPoints.indexOf(point) % 2 + 1];
    it.each(passes)('on pass %i: another one finishes, exact', async (pass) => {
      const rows = 20_000;
      const copy = await copyOf(`crash_${point.replaceAll(/\W/g, '_')}_${pass}`, rows);
      const task = { ...shape, source: copy.source, target: copy.target };
      const victim = await worker(`${point}:${pass}`);
      const run = async (): Promise<void> => {
        const { result } = await copy.drive(copy.command(task));
        // All pieces lie there when the load is about to be reported: whoever comes next finds the picture and copies none again.
        if (point === 'report.written' && pass === 1) expect(LoadResult.parse(result)).toMatchObject({ resumed: LoadResult.parse(result).chunks });
        await copy.publish(task, result);
      };
      const running = run();
      await Promise.race([victim.gone, running, sleep(8_000, undefined, { ref: false })]);
      await worker();
      await running;
      await expectExact(copy, rows);
    }, 120_000);
  });
});
