import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DEFAULT_TENANT } from '@agent-etl/contracts';
import { assetName } from '@agent-etl/dag-rendering';
import { anApprovedPlan } from '@agent-etl/dag-rendering/testing';
import { InMemoryBus, Outbox } from '@agent-etl/messaging';
import { type StateDatabase, sql } from '@agent-etl/persistence';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { dagGeneratorMigrations } from '../dag-generator.module.ts';
import { FilePublisher, digestOf } from '../publishing/file-publisher.service.ts';
import { AddressBook } from './address-book.repository.ts';
import { Approved, DagArtifactEntity } from './dag-artifact.entity.ts';
import { DagArtifactsRepository } from './dag-artifacts.repository.ts';
import { DagsService } from './dags.service.ts';
import { RenderingLoop } from './rendering-loop.service.ts';
import { RenderingService } from './rendering.service.ts';

const tenant = DEFAULT_TENANT.id;
const pipelineId = '00000000-0000-7000-8000-0000000000aa';
const sha = (digit: string): string => digit.repeat(64);
const approval = ({ planId = sha('5'), at = '2026-11-20T14:03:11.250Z', id = pipelineId, ...change }: { planId?: string; at?: string; id?: string } & Parameters<typeof anApprovedPlan>[0] & object = {}) => {
  const { plan, addresses } = anApprovedPlan(change);
  return Approved.parse({ requestId: null, pipelineId: id, pipeline: plan.pipeline.name, planId, plan, by: 'policy', approvedAt: at, airflow: {}, addresses });
};
/** Two datasets that differ in case only and whose asset names are the same: their tails collide. */
function twins(): [string, string] {
  const seen = new Map<string, string>();
  for (let bits = 0; ; bits += 1) {
    const dataset = `mart."${[...'abcdefghijklmnopqrstuvwxyz'].map((letter, at) => ((bits >> at) & 1 ? letter.toUpperCase() : letter)).join('')}"`;
    const name = assetName('warehouse', dataset);
    const twin = seen.get(name);
    if (twin !== undefined) return [twin, dataset];
    seen.set(name, dataset);
  }
}
/** The tasks of a plan that publishes into this dataset. */
const onto = (dataset: string): { tasks: unknown[] } => {
  const { tasks } = anApprovedPlan().plan;
  return { tasks: tasks.map((task) => ({ ...task, target: { connection: 'warehouse', dataset } })) };
};

describePostgres('dag_generator_rendering', () => {
  let test: TestState;
  let state: StateDatabase;
  let artifacts: DagArtifactsRepository;
  let rendering: RenderingService;
  let dags: DagsService;
  let folder: string;
  const scheduler = (): string => join(folder, 'dags');
  const preview = (): string => join(folder, 'preview');
  const make = (folders: { scheduler: string | null; preview: string | null; root: string | null }): RenderingService =>
    new RenderingService(artifacts, new AddressBook(), new FilePublisher(), new Outbox('dag-generator', new InMemoryBus()), folders);
  const approve = (approved: Approved): Promise<void> => state.inTenantTx(tenant, (tx) => rendering.enqueue(tx, approved));
  const render = (planId = sha('5')): Promise<void> => state.inTenantTx(tenant, (tx) => rendering.render(tx, planId));
  const said = (): Promise<{ type: string; body: Record<string, unknown> }[]> => state.inTenantTx(tenant, async (tx) => {
    const rows = await tx.run<{ type: string; body: Buffer }>(sql`select headers ->> 'ce_type' as type, body from outbox order by seq`);
    return rows.map(({ type, body }) => ({ type, body: JSON.parse(body.toString()) as Record<string, unknown> }));
  });
  const files = async (where: string): Promise<string[]> => (await readdir(where).catch(() => [])).filter((name) => !name.startsWith('.')); // a file that is being written is no file yet, and Airflow reads none such

  /** A loop that outlived its test would render for the next one, and keep the process up. */
  const loops: RenderingLoop[] = [];
  const aLoop = (): RenderingLoop => { const loop = new RenderingLoop(state, artifacts, rendering); loops.push(loop); return loop; };
  afterEach(async () => { for (const loop of loops.splice(0)) await loop.onApplicationShutdown(); });

  beforeAll(async () => {
    test = await aStateDatabase('dag_rendering', [{ schema: 'dag_generator', migrations: dagGeneratorMigrations }]);
    state = await test.open('dag_generator', [DagArtifactEntity]);
    artifacts = new DagArtifactsRepository(state);
    dags = new DagsService(state, artifacts);
  });
  beforeEach(async () => {
    await state.inTenantTx(tenant, async (tx) => { for (const table of [sql`delete from dag_artifact`, sql`delete from address_book`, sql`delete from dag_pipeline`, sql`update outbox set sent_at = null`]) await tx.run(table); });
    await state.asRelay((tx) => tx.run(sql`delete from outbox`));
    folder = await mkdtemp(join(tmpdir(), 'etl-dags-'));
    rendering = make({ scheduler: scheduler(), preview: preview(), root: null });
  });
  afterAll(() => test.drop());

  it('puts the file of an approved plan where Airflow reads it, and says so in the same transaction', async () => {
    await approve(approval());
    await render();
    const path = join(scheduler(), 'default-flights.py');
    const text = await readFile(path, 'utf8');
    const digest = digestOf(text);
    expect(await said()).toEqual([{ type: 'dag.published.v1', body: { pipelineId, planId: sha('5'), dagId: 'default-flights', digest, path, approvedAt: '2026-11-20T14:03:11.250Z' } }]);
    expect(await dags.view(tenant, sha('5'))).toMatchObject({ planId: sha('5'), dagId: 'default-flights', target: 'airflow 3.3 http', digest, path, text });
    expect(await files(scheduler())).toEqual(['default-flights.py']);
  });
  it('does not touch a file that already says the same, however often the plan is approved', async () => {
    await approve(approval());
    await render();
    const path = join(scheduler(), 'default-flights.py');
    const before = await stat(path);
    await approve(approval({ at: '2026-11-22T09:00:00.000Z' }));
    await render();
    const after = await stat(path);
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });
  it('ends with one file and one saying when it dies between rename and commit', async () => {
    await approve(approval());
    await writeFile(join(folder, 'x'), '');
    await expect(state.inTenantTx(tenant, async (tx) => { await rendering.render(tx, sha('5')); throw new Error('the process died'); })).rejects.toThrow('died');
    expect(await files(scheduler())).toEqual(['default-flights.py']);
    expect(await said()).toEqual([]);
    await render();
    expect(await files(scheduler())).toEqual(['default-flights.py']);
    expect((await said()).map(({ type }) => type)).toEqual(['dag.published.v1']);
  });
  it('replaces what a dead process left half written', async () => {
    await approve(approval());
    await render();
    await rm(join(scheduler(), 'default-flights.py'));
    await writeFile(join(scheduler(), '.default-flights.py.tmp'), 'half a fi');
    await approve(approval());
    await render();
    expect(await files(scheduler())).toEqual(['default-flights.py']);
  });
  it('keeps the DAG of a pipeline on workers away from the scheduler, or its cron would fire twice', async () => {
    await approve(approval({ plan: { driver: 'workers' } }));
    await render();
    expect([await files(scheduler()), await files(preview())]).toEqual([[], ['default-flights.py']]);
  });
  it('keeps it in the database when there is no folder', async () => {
    rendering = make({ scheduler: null, preview: null, root: null });
    await approve(approval());
    await render();
    expect(await dags.view(tenant, sha('5'))).toMatchObject({ path: null, dagId: 'default-flights' });
    expect((await said())[0]?.body['path']).toBe('default-flights.py');
  });
  it('takes the file from the scheduler when the pipeline moves to the workers', async () => {
    await approve(approval());
    await render();
    await approve(approval({ planId: sha('6'), at: '2026-11-21T00:00:00.000Z', plan: { driver: 'workers' } }));
    await render(sha('6'));
    expect([await files(scheduler()), await files(preview())]).toEqual([[], ['default-flights.py']]);
    expect((await dags.view(tenant, sha('5'))).path).toBeNull();
  });
  it('never lets an older plan overwrite a newer one, in whatever order they are rendered', async () => {
    await approve(approval({ planId: sha('6'), at: '2026-11-21T00:00:00.000Z' }));
    await approve(approval());
    await render(sha('6'));
    await render();
    expect(await readFile(join(scheduler(), 'default-flights.py'), 'utf8')).toContain(sha('6'));
    expect((await said()).map(({ body }) => body['planId'])).toEqual([sha('6')]);
  });
  it('publishes a plan again that comes back after another', async () => {
    for (const [planId, at] of [[sha('5'), '2026-11-20T14:03:11.250Z'], [sha('6'), '2026-11-21T00:00:00.000Z'], [sha('5'), '2026-11-22T00:00:00.000Z']] as const) {
      await approve(approval({ planId, at }));
      await render(planId);
    }
    expect((await said()).map(({ body }) => body['planId'])).toEqual([sha('5'), sha('6'), sha('5')]);
    expect(await readFile(join(scheduler(), 'default-flights.py'), 'utf8')).toContain(sha('5'));
  });
  it('says why there is no DAG, to the bus and to who asks for it', async () => {
    await approve(approval({ plan: { schedule: { cron: '0 0 31 2 *' } } }));
    await render();
    const [{ type, body } = { type: '', body: {} }] = await said();
    expect([type, (body['failure'] as { code: string }).code]).toEqual(['dag.failed.v1', 'dag.invalid']);
    await expect(dags.view(tenant, sha('5'))).rejects.toMatchObject({ code: 'dag.invalid', message: 'The DAG cannot be rendered: schedule/cron names a time that never comes.' });
    expect(await files(scheduler())).toEqual([]);
  });
  it('fails a plan whose file has no place', async () => {
    await writeFile(join(folder, 'file'), '');
    rendering = make({ scheduler: join(folder, 'file', 'dags'), preview: null, root: null });
    await approve(approval());
    await render();
    await expect(dags.view(tenant, sha('5'))).rejects.toMatchObject({ code: 'file.forbidden' });
  });
  describe('when a database moves to another host', () => {
    const moved = { ops: 'postgres://new-host:5432/ops', warehouse: 'postgres://warehouse-db:5432/dwh' };
    const other = (change: Partial<Approved> = {}): Approved => ({ ...approval({ planId: sha('7'), id: '00000000-0000-7000-8000-0000000000bb', at: '2026-11-21T00:00:00.000Z', pipeline: { name: 'other' } }), ...change });
    const textOf = (name: string): Promise<string> => readFile(join(scheduler(), `default-${name}.py`), 'utf8');
    /** Renders whatever waits, as the loop does. */
    const renderAll = async (): Promise<string[]> => {
      const due = await artifacts.due(20);
      for (const { planId } of due) await render(planId);
      return due.map(({ planId }) => planId);
    };
    it('renders the DAG of a plan that is approved again with the new asset, though the plan is the same', async () => {
      await approve(approval());
      await renderAll();
      expect(await textOf('flights')).toContain('postgres://ops-db:5432/ops/public/flights');
      await approve({ ...approval({ at: '2026-11-22T00:00:00.000Z' }), addresses: moved });
      expect(await renderAll()).toEqual([sha('5')]);
      expect(await textOf('flights')).toContain('postgres://new-host:5432/ops/public/flights');
      expect(await textOf('flights')).not.toContain('ops-db');
      const [first, second] = (await said()).map(({ body }) => body['digest']);
      expect(second).not.toBe(first);
    });
    it('renders the DAGs of other pipelines that name it anew, instead of refusing the one that says so', async () => {
      await approve(approval());
      await approve(other());
      await renderAll();
      await approve({ ...approval({ planId: sha('6'), at: '2026-11-22T00:00:00.000Z' }), addresses: moved });
      expect((await renderAll()).toSorted()).toEqual([sha('6'), sha('7')]);
      for (const name of ['flights', 'other']) {
        expect(await textOf(name)).toContain('postgres://new-host:5432/ops/public/flights');
        expect(await textOf(name)).not.toContain('ops-db');
      }
      expect(await renderAll()).toEqual([]);
    });
    it('leaves DAGs of other connections alone', async () => {
      await approve(approval());
      await renderAll();
      await approve(other({ addresses: { ...moved, ops: 'postgres://ops-db:5432/ops', lake: 'file:///lake' } }));
      expect(await renderAll()).toEqual([sha('7')]);
    });
    it('takes no address from an approval that is older than what it knows', async () => {
      await approve(other({ addresses: moved }));
      await renderAll();
      await approve(approval()); // approved before that, and heard after it
      expect(await renderAll()).toEqual([sha('5')]);
      expect(await textOf('flights')).toContain('postgres://new-host:5432/ops/public/flights');
    });
    it('takes the asset away when nobody knows any more where the connection leads', async () => {
      await approve(approval());
      await renderAll();
      await approve({ ...approval({ at: '2026-11-22T00:00:00.000Z' }), addresses: { warehouse: moved.warehouse } });
      await renderAll();
      expect(await textOf('flights')).not.toContain('public/flights');
      expect(await textOf('flights')).toContain('postgres://warehouse-db:5432/dwh/mart/flights');
    });
    it('renders DAGs anew that were rendered before there was a book of addresses', async () => {
      await approve(other());
      await renderAll();
      await state.inTenantTx(tenant, (tx) => tx.run(sql`delete from address_book`));
      await approve({ ...approval({ at: '2026-11-22T00:00:00.000Z' }), addresses: moved });
      expect((await renderAll()).toSorted()).toEqual([sha('5'), sha('7')]);
      expect(await textOf('other')).toContain('postgres://new-host:5432/ops/public/flights');
    });
  });
  it('refuses an asset name that stands for another dataset in another pipeline', async () => {
    const [one, two] = twins();
    await approve(approval({ plan: onto(one) }));
    await approve(approval({ planId: sha('7'), id: '00000000-0000-7000-8000-0000000000bb', pipeline: { name: 'other' }, plan: onto(two) }));
    await render();
    await render(sha('7'));
    await expect(dags.view(tenant, sha('7'))).rejects.toMatchObject({ code: 'dag.invalid', message: expect.stringContaining('stands for another dataset') as unknown });
  });
  it('shows a plan to its tenant only, and its content to no relay', async () => {
    await approve(approval());
    await render();
    await expect(dags.view('00000000-0000-7000-8000-000000000002', sha('5'))).rejects.toMatchObject({ code: 'access.not-found' });
    await expect(state.asRelay((tx) => tx.run(sql`select approved from dag_artifact`))).rejects.toThrow('permission denied');
  });
  it('renders what stands behind a plan that it cannot read, and gives that one up after five tries', async () => {
    const other = approval({ planId: sha('8'), id: '00000000-0000-7000-8000-0000000000cc', at: '2026-11-23T00:00:00.000Z', pipeline: { name: 'behind' } });
    await approve(approval());
    await approve(other);
    await state.inTenantTx(tenant, (tx) => tx.run(sql`update dag_artifact set approved = '{"of":"tomorrow"}' where plan_id = ${sha('5')}`));
    const loop = aLoop();
    await loop.onApplicationBootstrap();
    expect((await dags.view(tenant, sha('8'))).dagId).toBe('default-behind');
    const triesOf = async (): Promise<{ tries: number; state: string } | undefined> => state.inTenantTx(tenant, async (tx) => (await tx.run<{ tries: number; state: string }>(sql`select tries, state from dag_artifact where plan_id = ${sha('5')}`))[0]);
    for (let tries = 0; tries < 200 && (await triesOf())?.tries === 0; tries += 1) await sleep(10);
    expect(await triesOf()).toEqual({ tries: 1, state: 'waiting' });
    await state.inTenantTx(tenant, (tx) => tx.run(sql`update dag_artifact set tries = 4, next_at = clock_timestamp() where plan_id = ${sha('5')}`));
    loop.wake();
    for (let tries = 0; tries < 200 && (await triesOf())?.state !== 'failed'; tries += 1) await sleep(10);
    await loop.onApplicationShutdown();
    expect(await triesOf()).toEqual({ tries: 5, state: 'failed' });
    expect(await said()).toContainEqual({ type: 'dag.failed.v1', body: expect.objectContaining({ planId: sha('5'), failure: expect.objectContaining({ code: 'platform.internal' }) as unknown }) as unknown });
  });
  it('finds a plan whose notification was lost, by its own look', async () => {
    const loop = aLoop();
    await loop.onApplicationBootstrap();
    await sleep(300); // it has looked, found nothing and sleeps
    await state.inTenantTx(tenant, (tx) => artifacts.add(tx, approval()));
    for (let tries = 0; tries < 70 && (await files(scheduler())).length === 0; tries += 1) await sleep(100);
    expect(await files(scheduler())).toEqual(['default-flights.py']);
  });
  it('renders by itself soon after the commit', async () => {
    const loop = aLoop();
    await loop.onApplicationBootstrap();
    await approve(approval());
    const began = Date.now();
    await dags.view(tenant, sha('5'));
    expect(Date.now() - began).toBeLessThan(5000);
    await loop.onApplicationShutdown();
    expect(await files(scheduler())).toEqual(['default-flights.py']);
  });
});
