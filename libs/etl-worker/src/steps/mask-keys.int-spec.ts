import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { type LoadTask, LoadResult, type Plan, type Transform } from '@agent-etl/contracts';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { transformed } from '@agent-etl/planning';
import type { ProgramProcess } from '@agent-etl/service-kit/testing';
import { fuseSteps } from '@agent-etl/sql-safety';
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ACopy } from '../testing/a-copy.ts';
import { ACursorCopy, copySecrets } from '../testing/a-cursor-copy.ts';
import { workerSchema } from '../testing/a-worker.ts';
import { startWorker } from '../testing/worker-process.ts';

const ROWS = 30_000;
const KEYS = ['first key of this test, long enough', 'other key of this test, long enough'] as const;
const REF = 'secret://masking#key';

describePostgres('a key of a mask that is changed', () => {
  let database: TestState;
  const processes: ProgramProcess[] = [];
  const open: { close(): Promise<void> }[] = [];
  beforeAll(async () => { database = await aStateDatabase('mask_keys', [workerSchema]); }, 60_000);
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((one) => one.kill()));
    await Promise.all(open.splice(0).map((copy) => copy.close()));
  });
  afterAll(async () => { await database?.drop(); });

  const worker = async (key: string, crash: 'sink.after-commit:2' | '' = ''): Promise<ProgramProcess> => {
    const one = await startWorker({ urls: database.logins, crash, fileRoots: [], env: { ETL_ETL_WORKER_LEASE_MS: '1500' }, secrets: { masking: { key } } });
    processes.push(one);
    return one;
  };
  /** A load in several pieces whose notes are masked, killed behind its second. */
  async function killed(name: string): Promise<{ copy: ACopy; task: LoadTask; running: Promise<LoadResult> }> {
    const first = await worker(KEYS[0]);
    const copy = await ACopy.open(database, name, ROWS);
    open.push(copy);
    const plain = await copy.loadTask(500_000, 1);
    const types = new Map(plain.columns.map(({ source, type }) => [source, type]));
    const { stages } = fuseSteps([{ op: 'mask', column: 'note', method: 'hmac', value: null, key: REF }], types, { dialect: 'postgres' });
    const transform: Transform = { input: plain.columns.map(({ source, type, sourceNative, nullable }) => ({ name: source, type, native: sourceNative, nullable })), stages: [...stages] };
    await first.kill();
    const victim = await worker(KEYS[0], 'sink.after-commit:2');
    const task: LoadTask = { ...plain, transform };
    const running = copy.drive(copy.command(task)).then(({ result }) => LoadResult.parse(result));
    await Promise.race([victim.gone, running.catch(() => undefined), sleep(120_000, undefined, { ref: false })]);
    expect(victim.isAlive).toBe(false);
    return { copy, task, running };
  }
  it('between two attempts ends the load by its code before another row is staged, and a new run masks all rows under the new one', async () => {
    const { copy, task, running } = await killed('rotated');
    await worker(KEYS[1]);
    await expect(running).rejects.toThrow(/secret\.key-changed.*secret:\/\/masking#key.*run the pipeline again/);
    await expect(running).rejects.not.toThrow(new RegExp(KEYS.join('|')));
    expect(Object.keys(await copy.pieces())).not.toContain('3');
    const again = copy.next();
    const load = LoadResult.parse((await again.drive(again.command(task))).result);
    expect([load.written, load.resumed]).toEqual([ROWS, 0]);
    await again.publish(task, load, { digest: task.digest });
    const { rows } = await copy.db.query<{ note: string; plain: string }>(`select m.note, s.note as plain from ${copy.target.dataset} m join ${copy.source.dataset} s using (id) where s.note is not null`);
    expect(rows.filter(({ note, plain }) => note !== createHmac('sha256', KEYS[1]).update(plain).digest('hex'))).toEqual([]);
  }, 240_000);
  it('and one that is not lets the next attempt go on where the killed one was', async () => {
    const { running } = await killed('kept');
    await worker(KEYS[0]);
    const load = await running;
    expect([load.written, load.resumed >= 2, Object.keys(load.maskKeys ?? {})]).toEqual([ROWS, true, [REF]]);
    expect(JSON.stringify(load)).not.toContain(KEYS[0]);
  }, 240_000);

  it.each(['append', 'upsert'] as const)('between two runs that %s all rows, without a position, is found before any row is visible; a replace, or a name of its own for the new key, goes on', async (load) => {
    copySecrets.put('masking', { key: KEYS[0], second: KEYS[1] });
    const copy = await ACursorCopy.open(database.adminUrl, `whole_${load}`);
    open.push(copy);
    await copy.db.query(`create table public.whole_${load} (id bigint${load === 'upsert' ? ' primary key' : ''}, label text); insert into public.whole_${load} select n, 'v' || n from generate_series(1, 50) as n; analyze public.whole_${load}`);
    const run = async (to: 'append' | 'upsert' | 'replace', key = REF): Promise<string> => {
      const plan = await copy.plan({ to: { load: to, ...(to === 'upsert' ? { key: ['id'] } : {}) } });
      const { profiles: { source } } = plan;
      const fused = fuseSteps([{ op: 'mask', column: 'label', method: 'token', value: 'label', key }], new Map(source.columns.map(({ name, type }) => [name, type])), { dialect: 'postgres' });
      await copy.run({ ...plan, tasks: plan.tasks.map((task) => (task.kind === 'load' ? { ...task, transform: transformed(source, fused).transform } : task)) });
      const { rows } = await copy.db.query<{ n: number; tokens: number }>(`select count(*)::int as n, count(distinct label)::int as tokens from mart.whole_${load}`);
      return `${rows[0]!.n} rows, ${rows[0]!.tokens} tokens`;
    };
    const twice = load === 'append' ? 100 : 50;
    expect([await run(load), await run(load)]).toEqual(['50 rows, 50 tokens', `${twice} rows, 50 tokens`]);
    copySecrets.put('masking', { key: KEYS[1], second: KEYS[1] });
    await expect(run(load)).rejects.toMatchObject({ code: 'secret.key-changed', details: { reference: REF, than: expect.stringContaining(`mart.whole_${load}`), next: expect.stringMatching(/former key back.*load: replace.*name of its own/) } });
    expect((await copy.db.query(`select from mart.whole_${load}`)).rowCount).toBe(twice);
    expect(await run(load, 'secret://masking#second')).toBe(load === 'append' ? '150 rows, 100 tokens' : '50 rows, 50 tokens'); // two tokens of one value, by the word of who wrote it
    await expect(run(load)).rejects.toMatchObject({ code: 'secret.key-changed' });
    // A clock that went back between two publishes: the fence says which was the later.
    await copy.db.query(`update _etl.ledger set written_at = written_at + interval '1 day' where fence = (select min(fence) from _etl.ledger where published -> 'into' ->> 'target' = 'mart.whole_${load}') and published -> 'into' ->> 'target' = 'mart.whole_${load}'`);
    copySecrets.put('masking', { key: KEYS[0], second: KEYS[0] });
    await expect(run(load, 'secret://masking#second')).rejects.toMatchObject({ code: 'secret.key-changed' });
    copySecrets.put('masking', { key: KEYS[1], second: KEYS[1] });
    expect([await run('replace'), await run(load)]).toEqual(['50 rows, 50 tokens', `${twice} rows, 50 tokens`]);
  }, 120_000);

  it('is no matter of a publish that is done already and is asked again, whatever was published since', async () => {
    copySecrets.put('masking', { key: KEYS[0] });
    const copy = await ACursorCopy.open(database.adminUrl, 'told_twice');
    open.push(copy);
    await copy.db.query(`create table public.told_twice (id bigint, label text); insert into public.told_twice select n, 'v' || n from generate_series(1, 50) as n; analyze public.told_twice`);
    const masked = async (load: 'append' | 'replace'): Promise<Plan> => {
      const plan = await copy.plan({ to: { load } });
      const fused = fuseSteps([{ op: 'mask', column: 'label', method: 'token', value: 'label', key: REF }], new Map(plan.profiles.source.columns.map(({ name, type }) => [name, type])), { dialect: 'postgres' });
      return { ...plan, tasks: plan.tasks.map((task) => (task.kind === 'load' ? { ...task, transform: transformed(plan.profiles.source, fused).transform } : task)) };
    };
    await copy.run(await masked('append'));
    const plain = copy.begin(await copy.plan({ to: { load: 'append' } })); // masks nothing, so the ledger is neither told nor searched
    await plain.publish(await plain.load());
    expect((await copy.db.query(`select published ? 'into' as says from _etl.ledger where published is not null and run_id = $1`, [plain.runId])).rows).toEqual([{ says: false }]);
    copySecrets.put('masking', { key: KEYS[1] });
    await expect(copy.run(await masked('append'))).rejects.toMatchObject({ code: 'secret.key-changed' });
    copySecrets.put('masking', { key: KEYS[0] });
    const journey = copy.begin(await masked('append'));
    const load = await journey.load();
    const told = await journey.publish(load);
    copySecrets.put('masking', { key: KEYS[1] });
    await copy.run(await masked('replace'));
    expect(await journey.publish(load)).toMatchObject({ published: told.published, level: told.level, targetDigest: told.targetDigest });
    expect((await copy.db.query('select from mart.told_twice')).rowCount).toBe(50);
  }, 120_000);

  it('between two runs that read what changed is found before anything is read: equal values would have two tokens in one table', async () => {
    copySecrets.put('masking', { key: KEYS[0] });
    const copy = await ACursorCopy.open(database.adminUrl, 'changed');
    open.push(copy);
    await copy.db.query(`create table public.changed (id bigint primary key, label text, updated_at timestamptz not null); create index on public.changed (updated_at, id);
      insert into public.changed select n, 'v' || n, timestamptz '2001-01-10' - (500 - n) * interval '1 minute' from generate_series(1, 500) as n; analyze public.changed`);
    const masked = async (): Promise<Plan> => {
      const plan = await copy.plan();
      const { profiles: { source } } = plan;
      const fused = fuseSteps([{ op: 'mask', column: 'label', method: 'token', value: 'label', key: REF }], new Map(source.columns.map(({ name, type }) => [name, type])), { dialect: 'postgres' });
      return { ...plan, tasks: plan.tasks.map((task) => (task.kind === 'load' ? { ...task, transform: transformed(source, fused).transform } : task)) };
    };
    await copy.run(await masked());
    await copy.db.query(`insert into public.changed values (501, 'v1', '2001-01-10 01:00+00')`);
    const plan = await masked();
    expect((plan.tasks[0] as LoadTask).cursor?.read).toBe('since');
    copySecrets.put('masking', { key: KEYS[1] });
    await expect(copy.run(plan)).rejects.toMatchObject({ code: 'secret.key-changed', details: { reference: REF, than: expect.stringContaining('mart.changed'), next: expect.stringContaining('load: replace') } });
    copySecrets.put('masking', { key: KEYS[0] });
    await copy.run(plan);
    const { rows } = await copy.db.query<{ n: number; twice: number }>('select count(distinct label)::int as n, max(twice)::int as twice from (select label, count(*) as twice from mart.changed group by label) as t');
    expect(rows[0]).toEqual({ n: 500, twice: 2 });
  }, 120_000);
});
