import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { mapColumnType } from '@agent-etl/connectors';
import { Connection, LoadResult, Pipeline, ProfileResult, PublishResult, type LoadTask, type PublishTask, type TaskCommand, otherDatasets } from '@agent-etl/contracts';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { besideOf, fusedOf, handsOffOf, planCopy, transformed, verifyPlan } from '@agent-etl/planning';
import type { CrashPoint } from '@agent-etl/service-kit';
import type { ProgramProcess } from '@agent-etl/service-kit/testing';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACopy } from '../testing/a-copy.ts';
import { workerSchema } from '../testing/a-worker.ts';
import { startWorker } from '../testing/worker-process.ts';

const ROWS = 5_000;
type Steps = NonNullable<Pipeline['steps']>;
/** Where the labels lie: beside the source, in a file, or in a database that computes no steps. */
const places = { beside: 'from.public.labels', file: 'files:labels.csv', lite: 'lite:labels' } as const;
const labelled = (right: string): Steps => [{ join: { right, kind: 'left', on: { id: 'n' }, take: { label: 'label' } } }];

describePostgres('a worker that joins', () => {
  let database: TestState;
  let root: string;
  const processes: ProgramProcess[] = [];
  const copies: ACopy[] = [];
  beforeAll(async () => {
    database = await aStateDatabase('worker_joins', [workerSchema]);
    root = await mkdtemp(join(tmpdir(), 'etl-joins-'));
    const labels = Array.from({ length: 1_000 }, (_, index) => [index * 7, `Läbel, ${index}`] as const);
    await writeFile(join(root, 'labels.csv'), `n,label\n${labels.map(([n, label]) => `${n},"${label}"`).join('\n')}\n`);
    const lite = new DatabaseSync(join(root, 'lite.db'));
    lite.exec(`CREATE TABLE labels (n INTEGER, label TEXT); INSERT INTO labels VALUES ${labels.map(([n, label]) => `(${n}, '${label}')`).join(', ')}`);
    lite.close();
    const copy = await ACopy.open(database, 'warm', 1);
    await copy.db.query(`create table public.labels (n bigint, label text); insert into public.labels values ${labels.map(([n, label]) => `(${n}, '${label}')`).join(', ')}; analyze public.labels`);
    await copy.close();
  }, 60_000);
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((one) => one.kill()));
    await Promise.all(copies.splice(0).map((copy) => copy.close()));
  });
  afterAll(async () => { await database?.drop(); await rm(root, { recursive: true, force: true }); });

  const worker = async (crash: `${CrashPoint}:${number}` | '' = ''): Promise<ProgramProcess> => {
    const one = await startWorker({ urls: database.logins, crash, fileRoots: [root], env: { ETL_ETL_WORKER_LEASE_MS: '1500' } });
    processes.push(one);
    return one;
  };
  const copyOf = async (name: string): Promise<ACopy> => {
    const copy = await ACopy.open(database, name, ROWS);
    copies.push(copy);
    return copy;
  };
  const command = (copy: ACopy, task: TaskCommand['task'], load?: LoadResult): TaskCommand => {
    const asked = copy.command(task, load ? { load } : {});
    return { ...asked, connections: [...asked.connections, Connection.parse({ name: 'files', connector: 'file', root }), Connection.parse({ name: 'lite', connector: 'sqlite', root, file: 'lite.db' })] };
  };
  /** The plan that the orchestrator would make, from what a worker profiles. */
  const planned = async (copy: ACopy, steps: Steps, more: Partial<Pick<Pipeline, 'from' | 'to' | 'quality'>> = {}): Promise<[LoadTask, PublishTask]> => {
    const pipeline = Pipeline.parse({ name: 'joined', from: copy.source, to: { ...copy.target, load: 'replace' }, steps, ...more });
    const look = command(copy, { id: 'profile', kind: 'profile', source: pipeline.from, target: { connection: pipeline.to.connection, dataset: pipeline.to.dataset }, others: otherDatasets(steps) });
    const { source, target, others = [] } = ProfileResult.parse((await copy.drive(look)).result);
    const typesOf = ({ columns }: typeof source) => new Map(columns.map(({ name, type }) => [name, type]));
    const fused = await fusedOf(steps, { input: typesOf(source), inputs: others.map(typesOf), dialect: besideOf(source), handsOff: handsOffOf(source, others), read: () => { throw new Error('no texts here'); }, readQuery: () => { throw new Error('no queries here'); } });
    if (!fused.ok) throw new Error(JSON.stringify(fused.issues));
    const made = planCopy({ pipeline, target, policy: {}, mapColumn: mapColumnType, ...transformed(source, fused.value, { others, mapColumn: mapColumnType }) });
    if (!('plan' in made)) throw new Error(JSON.stringify(made.questions));
    expect(verifyPlan(made.plan, {})).toEqual({ ok: true, issues: [] });
    return made.plan.tasks as [LoadTask, PublishTask];
  };
  const run = async (copy: ACopy, [load, publish]: [LoadTask, PublishTask]): Promise<{ load: LoadResult; publish: PublishResult }> => {
    const loaded = LoadResult.parse((await copy.drive(command(copy, load))).result);
    return { load: loaded, publish: PublishResult.parse((await copy.drive(command(copy, publish, loaded))).result) };
  };
  const expectJoined = async (copy: ACopy): Promise<void> => {
    const look = async (from: string): Promise<unknown> => (await copy.db.query(`select count(*)::int as rows, count(label)::int as labels, sum(hashtextextended(row(id, at, note, amount::numeric, label)::text, 0)::numeric)::text as hash from ${from} as t`)).rows[0];
    const there = await look(`(select s.*, label from public.${copy.name} as s left join public.labels on id = n)`);
    expect(there).toMatchObject({ rows: ROWS, labels: 714 });
    expect(await look(`mart.${copy.name}`)).toEqual(there);
    expect(await copy.stagingTables()).toBe(0);
  };
  const counts = { kind: 'left', left: ROWS, right: 1000, matched: 714, unmatched: ROWS - 714, rightUnmatched: 286, most: 1, out: ROWS };

  it.each(Object.entries(places))('with labels %s gives what one statement gives', async (where, right) => {
    await worker();
    const copy = await copyOf(`plain_${where}`);
    const tasks = await planned(copy, labelled(right));
    expect([tasks[0].carrier, tasks[0].transform?.handOff?.after]).toEqual(where === 'beside' ? ['frames', undefined] : ['text', 1]);
    const { load, publish } = await run(copy, tasks);
    expect(load).toMatchObject({ read: ROWS, filtered: 0, joined: ROWS, written: ROWS, combined: [counts] });
    expect(publish).toMatchObject({ published: ROWS, level: 'full', sourceDigest: load.digest, targetDigest: load.digest });
    await expectJoined(copy);
  }, 120_000);

  it.each(['beside', 'file'] as const)('finds keys that PostgreSQL pads with blanks, and measures what was joined, labels %s', async (where) => {
    await worker();
    const copy = await copyOf(`padded_${where}`);
    await copy.db.query(`drop table if exists public.padded, public.codes; create table public.padded (id bigint primary key, code character(6)); insert into public.padded values (1, 'AA'), (2, 'ZZ'), (3, null);
      create table public.codes (code text, label text); insert into public.codes values ('AA', 'found')`);
    await writeFile(join(root, 'codes.csv'), 'code,label\nAA,found\n');
    const steps: Steps = [{ join: { right: where === 'beside' ? 'from.public.codes' : 'files:codes.csv', kind: 'left', on: { code: 'code' }, take: { label: 'label' } } }];
    const { load } = await run(copy, await planned(copy, steps, { from: { connection: 'from' as never, dataset: 'public.padded' }, quality: { atLeast: 0.5 } }));
    expect(load).toMatchObject({ combined: [{ matched: 1, unmatched: 2 }], quality: { rows: 3, nulls: [{ column: 'code', nulls: 1 }, { column: 'label', nulls: 2 }] } });
    expect((await copy.db.query(`select id, label from mart.${copy.name} order by id`)).rows).toEqual([{ id: '1', label: 'found' }, { id: '2', label: null }, { id: '3', label: null }]);
  }, 60_000);
  it.each(Object.entries(places))('with labels %s counts the NULLs of what comes out, when quality is asked for', async (where, right) => {
    await worker();
    const copy = await copyOf(`quality_${where}`);
    const { load } = await run(copy, await planned(copy, labelled(right), { quality: { atLeast: 0.5 } }));
    expect(load.quality).toMatchObject({ rows: ROWS, nulls: [{ column: 'note', nulls: 714 }, { column: 'label', nulls: ROWS - 714 }] });
  }, 120_000);

  it('reads steps of a database that computes none in the engine child', async () => {
    await worker();
    const copy = await copyOf('from_lite');
    const tasks = await planned(copy, [{ dedupe: { keys: ['label'], keep: [{ column: 'n' }] } }, { join: { right: `from.public.${copy.name}`, kind: 'inner', on: { n: 'id' }, take: { note: 'note' } } }], { from: { connection: 'lite' as never, dataset: 'labels' } });
    expect(tasks[0].transform?.handOff?.after).toBe(0);
    expect((await run(copy, tasks)).load).toMatchObject({ read: 1000, grouped: 1000, written: 714, combined: [{ kind: 'inner', left: 1000, right: ROWS, matched: 714, out: 714 }] });
    expect((await copy.db.query(`select count(*)::int as n from mart.${copy.name} as m join public.${copy.name} as s on s.id = m.n where m.note is not distinct from s.note`)).rows).toEqual([{ n: 714 }]);
  }, 120_000);

  it('tells columns of another dataset apart that differ in nothing but case', async () => {
    await worker();
    const copy = await copyOf('cases');
    await copy.db.query(`create table public.case_labels ("N" bigint, n bigint, label text); insert into public.case_labels select n * 7, n, 'l' || n from generate_series(1, 100) as n; analyze public.case_labels`);
    const tasks = await planned(copy, [{ join: { right: 'from.public.case_labels', kind: 'left', on: { n: 'N' }, take: { other: 'label', nth: 'n' } } }], { from: { connection: 'files' as never, dataset: 'labels.csv' } });
    expect((await run(copy, tasks)).load).toMatchObject({ read: 1000, joined: 1000, combined: [{ matched: 100 }] });
    expect((await copy.db.query(`select count(*)::int as n from mart.cases where other = 'l' || nth and nth * 7 = n`)).rows).toEqual([{ n: 100 }]);
  }, 120_000);

  it.each((['sink.before-commit', 'sink.after-commit', 'publish.committed'] as const).flatMap((point) => (['beside', 'file'] as const).map((where) => [point, where] as const)))(
    'and is killed at %s, labels %s, ends exact', async (point, where) => {
      const victim = await worker(`${point}:1`);
      const copy = await copyOf(`killed_${where}_${point.replaceAll(/\W/g, '_')}`);
      const tasks = await planned(copy, labelled(places[where]));
      const running = run(copy, tasks);
      await Promise.race([victim.gone, running]);
      expect(victim.isAlive).toBe(false);
      await worker();
      const { load } = await running;
      expect(load).toMatchObject({ read: ROWS, joined: ROWS, written: ROWS, resumed: point === 'sink.after-commit' ? 1 : 0, combined: [counts] });
      await expectJoined(copy);
    }, 120_000);

  it.each(['beside', 'file'] as const)('stops when what it joins has another shape than it was planned with, labels %s', async (where) => {
    await worker();
    const copy = await copyOf(`drifted_${where}`);
    const right = where === 'beside' ? 'from.public.labels_then' : 'files:labels_then.csv';
    await copy.db.query('drop table if exists public.labels_then; create table public.labels_then (n bigint, label text)');
    await writeFile(join(root, 'labels_then.csv'), 'n,label\n1,a\n');
    const [load] = await planned(copy, labelled(right));
    await copy.db.query('alter table public.labels_then rename label to title');
    await writeFile(join(root, 'labels_then.csv'), 'n,title\n1,a\n');
    const asked = command(copy, load);
    await copy.ask(asked);
    expect(await copy.outcome(asked)).toMatchObject({ state: 'failed', failure: { code: 'source.schema-drifted', text: expect.stringMatching(/labels_then.*(label|title)/) as unknown } });
    expect((await copy.db.query(`select to_regclass('mart.${copy.name}') as target`)).rows).toEqual([{ target: null }]);
  }, 120_000);
});
