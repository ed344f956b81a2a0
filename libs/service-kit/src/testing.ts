import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { App, Role } from '@agent-etl/contracts';
import { InMemoryBus, type MessageBus, type Outbox } from '@agent-etl/messaging';
import type { StateDatabase } from '@agent-etl/persistence';
import { type TestState, aStateDatabase } from '@agent-etl/persistence/testing';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import type { Logger } from 'pino';
import { Access } from './access.ts';
import { type RunningServices, bootstrapServices } from './bootstrap.ts';
import type { Environment } from './load-config.ts';
import { type LogLevel, createLog } from './log.ts';
import { startOf } from './process-life.ts';
import type { AnyService, ServiceDefinition, ServiceParts } from './service-definition.ts';

export { type ProgramOrders, ProgramProcess } from './testing/program-process.ts';

/** Bearer tokens of a service under test, one per role, all of the default tenant. */
export const testTokens: Readonly<Record<Role, string>> = { viewer: 'test-token-of-viewer', editor: 'test-token-of-editor', admin: 'test-token-of-admin', airflow: 'test-token-of-airflow' };
const testAccess = (): Access => new Access(Object.fromEntries(Object.entries(testTokens).map(([role, token]) => [token, { name: role, role: role as Role }])));

/** @property suite names the database; two services of one test process need two names
 * @property log where its lines go; nowhere when left out
 * @property database an existing test database to share; its schemas must hold this service's, migrated
 * @property bus shared with others of the test; a new InMemoryBus when left out */
export interface TestServiceOptions {
  readonly suite?: string; readonly database?: TestState; readonly bus?: MessageBus; readonly env?: Environment; readonly extraModules?: readonly DynamicModule[]; readonly logLevel?: LogLevel; readonly log?: Logger;
}
export interface TestServices { readonly url: string; readonly app: INestApplication; readonly bus: MessageBus; readonly running: RunningServices; readonly database: TestState; stop(): Promise<void> }
export interface TestService<A extends App, C> extends TestServices { readonly state: StateDatabase; readonly outbox: Outbox<A>; readonly parts: ServiceParts<A, C> }
let made = 0;

/** Several services in the test process, on a database of their own. Answers are checked against their endpoints. */
export async function someServices(definitions: readonly AnyService[], options: TestServiceOptions = {}): Promise<TestServices> {
  made += 1;
  const schemas = definitions.map(({ schema, migrations }) => ({ schema, migrations }));
  const database = options.database ?? await aStateDatabase(`${options.suite ?? definitions.map(({ schema }) => schema).join('_')}_${made}`, schemas);
  const bus = options.bus ?? new InMemoryBus();
  const running = await bootstrapServices(definitions, {
    urls: database.logins, bus, access: testAccess(), log: options.log ?? createLog({ level: options.logLevel ?? 'silent', app: 'test' }), env: options.env ?? {},
    extraModules: options.extraModules ?? [], answers: 'validated', poolSize: 4,
  }).catch(async (error: unknown) => {
    if (!options.database) await database.drop();
    throw error;
  });
  return {
    url: running.url, app: running.app, bus, running, database,
    stop: async () => {
      await running.stop();
      if (!options.database) await database.drop();
    },
  };
}

/** One service in the test process. */
export async function aService<A extends App, C>(definition: ServiceDefinition<A, C>, options: TestServiceOptions = {}): Promise<TestService<A, C>> {
  const services = await someServices([definition as unknown as AnyService], options);
  const parts = services.running.parts.get(definition.app) as unknown as ServiceParts<A, C>;
  return { ...services, parts, state: parts.state, outbox: parts.outbox };
}

/** A process that was killed and that its parent does not collect, until `collect`. */
export async function aZombie(): Promise<{ pid: number; start: string; collect(): void }> {
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [said] = await once(parent.stdout, 'data') as [Buffer];
  const pid = Number(said.toString());
  const start = await startOf(pid);
  // A shell would collect it: what it becomes does not.
  while ((await readFile(`/proc/${parent.pid}/comm`, 'utf8')).trim() !== 'sleep') await sleep(5);
  process.kill(pid, 'SIGKILL');
  while (!/\) Z /.test(await readFile(`/proc/${pid}/stat`, 'utf8'))) await sleep(5);
  return { pid, start, collect: () => { parent.kill('SIGKILL'); } };
}
