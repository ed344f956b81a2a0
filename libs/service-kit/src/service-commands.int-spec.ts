import { describe, expect, it } from '@jest/globals';
import { platformMigrations, sql } from '@agent-etl/persistence';
import { aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { z } from 'zod';
import { serviceCommands } from './service-commands.ts';
import type { AnyService } from './service-definition.ts';

const service = { app: 'monitor', schema: 'monitor', entities: [], migrations: platformMigrations(), config: z.object({}), module: () => { throw new Error('a command starts no service'); } } as unknown as AnyService;
const command = (name: string, environment: Record<string, string>): Promise<string> => serviceCommands[name]!(service, environment);

describePostgres('migrate', () => {
  it('makes the schema of its own service alone, and says where it is; again without a change', async () => {
    const test = await aStateDatabase('migrate', []);
    try {
      const migrate = (): Promise<string> => command('migrate', { ETL_PERSISTENCE_ADMIN_URL: test.adminUrl });
      expect([await migrate(), await migrate()]).toEqual(Array(2).fill(`the schema monitor is at ${platformMigrations().at(-1)!.name}`));
      const state = await test.open('monitor');
      expect((await state.migrated()).map(({ name }) => name)).toEqual(platformMigrations().map(({ name }) => name));
      expect(await Promise.all(['migrate --phase expand', 'migrate --phase contract'].map((name) => command(name, { ETL_PERSISTENCE_ADMIN_URL: test.adminUrl })))).toHaveLength(2);
      expect(await state.asRelay((tx) => tx.run(sql`select nspname from pg_namespace where nspname in ('orchestrator', 'worker', 'dag_generator', 'monitor')`))).toEqual([{ nspname: 'monitor' }]);
    } finally { await test.drop(); }
  }, 60_000);
  it('says by name what it was not told', async () => { await expect(command('migrate', {})).rejects.toMatchObject({ code: 'config.invalid', issues: [{ path: 'ETL_PERSISTENCE_ADMIN_URL', text: 'is not set' }] }); });
});

const brokers = process.env['ETL_TEST_KAFKA_BROKERS'];
if (!brokers) process.stdout.write('SKIPPED topics: ETL_TEST_KAFKA_BROKERS is not set\n');
(brokers ? describe : describe.skip)('topics', () => {
  it('are made, and then found', async () => {
    const environment = { ETL_MESSAGING_BROKERS: brokers ?? '' };
    expect([await command('topics create', environment), await command('topics check', environment)]).toEqual(Array(2).fill('all topics of the catalogue are there'));
  }, 60_000);
});
