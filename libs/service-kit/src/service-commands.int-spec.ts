import { describe, expect, it } from '@jest/globals';
import { KafkaBus } from '@agent-etl/messaging';
import { platformMigrations, sql } from '@agent-etl/persistence';
import { aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { z } from 'zod';
import { commandOf } from './service-commands.ts';
import type { AnyService } from './service-definition.ts';

const service = { app: 'monitor', schema: 'monitor', entities: [], migrations: platformMigrations(), config: z.object({}), module: () => { throw new Error('a command starts no service'); } } as unknown as AnyService;
const command = (name: string, environment: Record<string, string>): Promise<string> => {
  const { perform, argument } = commandOf(name.split(' '))!;
  return perform(service, environment, argument);
};
const asker = { ...service, app: 'orchestrator', schema: 'orchestrator' } as AnyService;

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

it('finds a command with an argument behind it, and none in other words', () => {
  expect(commandOf(['topics', 'rejoin', '2026'])?.argument).toBe('2026');
  expect([commandOf(['migrate'])?.argument, commandOf(['topics']), commandOf(['migrate', 'a', 'b']), commandOf(['toString'])]).toEqual(['', null, null, null]);
});

const brokers = process.env['ETL_TEST_KAFKA_BROKERS'];
if (!brokers) process.stdout.write('SKIPPED topics: ETL_TEST_KAFKA_BROKERS is not set\n');
(brokers ? describe : describe.skip)('topics', () => {
  it('are made, and then found', async () => {
    const environment = { ETL_MESSAGING_BROKERS: brokers ?? '' };
    expect([await command('topics create', environment), await command('topics check', environment)]).toEqual(Array(2).fill('all topics of the catalogue are there'));
  }, 60_000);
  it('are read on after a restore: behind what was said, and on the public one from before the backup', async () => {
    const environment = { ETL_MESSAGING_BROKERS: brokers ?? '' };
    const bus = new KafkaBus({ brokers: (brokers ?? '').split(','), clientId: 'rejoin' });
    const said = (topic: string, key: string) => bus.publish([{ topic, key, headers: { key }, value: Buffer.from('{}') }]);
    const pause = (): Promise<unknown> => new Promise((done) => { setTimeout(done, 500); });
    await said('etl.pipeline.requests', 'before');
    await said('etl.task.events', 'before');
    await pause();
    const takenAt = new Date(Date.now() + 600_000).toISOString(); // ten minutes before it is now
    await pause();
    await said('etl.pipeline.requests', 'after');
    await said('etl.task.events', 'after');
    const { perform, argument } = commandOf(['topics', 'rejoin', takenAt])!;
    expect(await perform(asker, environment, argument)).toContain('goes on behind');
    const heard: string[] = [];
    await bus.subscribe('orchestrator', ['etl.pipeline.requests', 'etl.task.events'], async ({ topic, key }) => { heard.push(`${topic} ${key}`); });
    await said('etl.task.events', 'last');
    for (let tries = 0; tries < 200 && !heard.includes('etl.task.events last'); tries += 1) await new Promise((done) => { setTimeout(done, 50); });
    expect(heard.sort()).toEqual(['etl.pipeline.requests after', 'etl.task.events last']);
    await expect(perform(asker, environment, argument)).rejects.toMatchObject({ code: 'request.conflict', message: expect.stringContaining('read by 1 processes') });
    await bus.close();
  }, 60_000);
  it('are not rejoined at no instant', async () => { await expect(command('topics rejoin yesterday', { ETL_MESSAGING_BROKERS: brokers ?? '' })).rejects.toMatchObject({ code: 'config.invalid' }); });
});
