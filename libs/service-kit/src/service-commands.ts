import { EtlError } from '@agent-etl/contracts';
import { KafkaBus, messagingConfig } from '@agent-etl/messaging';
import { type MigrationPhase, migrationConfig, prepareState } from '@agent-etl/persistence';
import { type Environment, loadConfig } from './load-config.ts';
import { brokersOf, urlWithPassword } from './secret-files.ts';
import type { AnyService } from './service-definition.ts';

/** What a service's program does instead of serving, and ends: jobs of a deployment run them with the service's own image. Answers the sentence that says what was done. */
export const serviceCommands: Readonly<Record<string, (service: AnyService, environment: Environment) => Promise<string>>> = {
  /** Brings the service's own schema to what this release needs; the release before runs on. Repeating it changes nothing; of several that start at once one goes first. */
  migrate: (service, environment) => migrate(service, environment, 'expand'),
  'migrate --phase expand': (service, environment) => migrate(service, environment, 'expand'),
  /** Takes away what the releases before this one needed; refused while a process of theirs runs. There is no way back to them. */
  'migrate --phase contract': (service, environment) => migrate(service, environment, 'contract'),
  /** Makes the topics of the catalogue that are missing; never changes or removes one. */
  'topics create': (service, environment) => withBus(service, environment, async (bus) => {
    await bus.createTopics();
    return said(await bus.checkTopics());
  }),
  /** Fails with what the cluster lacks. */
  'topics check': (service, environment) => withBus(service, environment, async (bus) => said(await bus.checkTopics())),
};

async function migrate({ schema, migrations }: AnyService, environment: Environment, phase: MigrationPhase): Promise<string> {
  const { migration } = loadConfig({ migration: migrationConfig }, environment);
  const adminUrl = await urlWithPassword(migration.ETL_PERSISTENCE_ADMIN_URL, 'ETL_PERSISTENCE_ADMIN_PASSWORD_FILE', migration.ETL_PERSISTENCE_ADMIN_PASSWORD_FILE);
  await prepareState({ adminUrl, schemas: [{ schema, migrations }], phase });
  return `the schema ${schema} is at ${migrations.at(-1)?.name ?? 'its beginning'}`;
}
async function withBus(service: AnyService, environment: Environment, work: (bus: KafkaBus) => Promise<string>): Promise<string> {
  const { messaging } = loadConfig({ messaging: messagingConfig }, environment);
  const bus = new KafkaBus({ ...await brokersOf(messaging), clientId: `${service.app}-topics` });
  try { return await work(bus); } finally { await bus.close(); }
}
function said(lacks: readonly string[]): string {
  if (lacks.length === 0) return 'all topics of the catalogue are there';
  throw new EtlError('config.invalid', { problems: lacks.join('; ') }, { issues: lacks.map((text) => ({ code: 'topics', path: 'ETL_MESSAGING_BROKERS', text })) });
}
