import { mkdtemp, readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DEFAULT_TENANT } from '@agent-etl/contracts';
import { renderDag } from '@agent-etl/dag-rendering';
import { anApprovedPlan } from '@agent-etl/dag-rendering/testing';
import { type StateDatabase, sql } from '@agent-etl/persistence';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { dagGeneratorMigrations } from '../dag-generator.module.ts';
import { type GeneratorOrders, startGenerator } from '../testing/generator-process.ts';
import { Approved, DagArtifactEntity } from './dag-artifact.entity.ts';
import { DagArtifactsRepository } from './dag-artifacts.repository.ts';

const tenant = DEFAULT_TENANT.id;

describePostgres('dag_generator_crash', () => {
  let test: TestState;
  let state: StateDatabase;
  const approved = anApprovedPlan({ approved: { tenant: DEFAULT_TENANT.name } });
  beforeAll(async () => {
    test = await aStateDatabase('dag_crash', [{ schema: 'dag_generator', migrations: dagGeneratorMigrations }]);
    state = await test.open('dag_generator', [DagArtifactEntity]);
  });
  afterAll(async () => { await test.drop(); });
  const published = (): Promise<unknown[]> => state.inTenantTx(tenant, (tx) => tx.run(sql`select 1 from outbox where headers ->> 'ce_type' = 'dag.published.v1'`));
  const visible = async (folder: string): Promise<string[]> => (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.'));

  it.each([['dag.rendered', 0], ['dag.temp-written', 0], ['dag.renamed', 1]] as const)('leaves nothing or the whole file when it is killed at %s, and the next process ends with one file and one saying', async (point, filesAfterCrash) => {
    const folder = await mkdtemp(join(tmpdir(), 'etl-dag-crash-'));
    await state.inTenantTx(tenant, async (tx) => {
      for (const table of [sql`delete from dag_artifact`, sql`delete from dag_pipeline`]) await tx.run(table);
      const { plan, planId, approvedAt, addresses } = approved;
      await new DagArtifactsRepository(state).add(tx, Approved.parse({ requestId: null, pipelineId: '00000000-0000-7000-8000-0000000000aa', pipeline: 'flights', planId, plan, by: 'policy', approvedAt, airflow: {}, addresses }));
    });
    await state.asRelay((tx) => tx.run(sql`delete from outbox`));
    const orders = (crash: GeneratorOrders['crash']): GeneratorOrders => ({ urls: test.logins, folder, crash });
    expect(await startGenerator(orders(`${point}:1`)).gone).toBe('SIGKILL');
    expect([await visible(folder), await published()]).toEqual([filesAfterCrash ? ['default-flights.py'] : [], []]);
    const second = startGenerator(orders(''));
    for (let tries = 0; tries < 100 && (await published()).length === 0; tries += 1) await sleep(100);
    await second.kill();
    expect(await readdir(folder)).toEqual(['default-flights.py']);
    expect(await readFile(join(folder, 'default-flights.py'), 'utf8')).toBe(renderDag(approved).text);
    expect(await published()).toHaveLength(1);
  });
});
