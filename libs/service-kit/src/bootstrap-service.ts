import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { type App, toFailure } from '@agent-etl/contracts';
import { KafkaBus, messagingConfig } from '@agent-etl/messaging';
import { persistenceConfig } from '@agent-etl/persistence';
import type { Logger } from 'pino';
import { z } from 'zod';
import { Access } from './access.ts';
import { bootstrapServices, hasEndpoints } from './bootstrap.ts';
import { armCrash } from './crash-points.ts';
import { type Environment, type ServiceKitConfig, loadConfig, processEnvironment, serviceKitConfig } from './load-config.ts';
import { createLog } from './log.ts';
import { brokersOf, loginsOf } from './secret-files.ts';
import { serviceCommands } from './service-commands.ts';
import type { AnyService } from './service-definition.ts';
import { Shutdown } from './shutdown.ts';

/** The config slices that every deployed process reads beside its service's own. */
export const platformConfigs = { 'service-kit': serviceKitConfig, persistence: persistenceConfig, messaging: messagingConfig } as const;
export const defaultPorts: Readonly<Record<App, number>> = { orchestrator: 8080, 'dag-generator': 8081, monitor: 8082, 'etl-worker': 8083 };
const EXIT_BEFORE_KILL_MS = 5_000;

/** Runs one service as this process until a signal ends it: configuration from the environment, real Kafka, real PostgreSQL. With the words of a command it does that instead, and ends.
 * A start that fails says why, every problem at once, and exits with 1; an unknown command with 2. */
export async function bootstrapService(service: AnyService, command = process.argv.slice(2).join(' ')): Promise<void> {
  const log = createLog({ level: 'info', app: service.app });
  const shutdown = new Shutdown();
  exitOnBug(log);
  try {
    if (command === '') return await run(service, { environment: processEnvironment(), shutdown });
    const perform = Object.hasOwn(serviceCommands, command) ? serviceCommands[command] : undefined;
    if (!perform) { log.fatal({ command }, `no such command: use ${Object.keys(serviceCommands).join(', ')}, or none to serve`); process.exit(2); }
    log.info({ command }, await perform(service, processEnvironment()));
  } catch (error) {
    const { code, text, next, issues } = toFailure(error);
    log.fatal({ code, next, issues, err: error }, text);
    process.exit(1);
  }
}

async function run(service: AnyService, { environment, shutdown }: { environment: Environment; shutdown: Shutdown }): Promise<void> {
  // The service's own slice is parsed here too: so all problems are told at once.
  const { 'service-kit': kit, persistence, messaging } = loadConfig({ ...platformConfigs, 'service-kit': kitConfigOf(service.app), [service.app]: service.config }, environment) as Parsed;
  const access = await accessOf(kit);
  if (kit.ETL_SERVICE_KIT_CRASH) armCrash(kit.ETL_SERVICE_KIT_CRASH);
  const log = createLog({ level: kit.ETL_SERVICE_KIT_LOG_LEVEL, app: service.app });
  stopOnSignal(shutdown, kit.ETL_SERVICE_KIT_GRACE_MS, log);
  const [logins, brokers] = await Promise.all([loginsOf(persistence), brokersOf(messaging)]);
  const bus = new KafkaBus({ ...brokers, clientId: service.app });
  await bootstrapServices([service], {
    urls: { [service.schema]: logins }, bus, access, log, shutdown, env: environment,
    host: kit.ETL_SERVICE_KIT_HOST, port: kit.ETL_SERVICE_KIT_PORT ?? defaultPorts[service.app], poolSize: persistence.ETL_PERSISTENCE_POOL, waitMs: Number.POSITIVE_INFINITY,
    staticFolder: kit.ETL_SERVICE_KIT_STATIC ? resolve(kit.ETL_SERVICE_KIT_STATIC) : null,
  });
}
interface Parsed { 'service-kit': ServiceKitConfig; persistence: z.output<typeof persistenceConfig>; messaging: z.output<typeof messagingConfig> }

/** No service with a REST API starts without bearer tokens. */
const kitConfigOf = (app: App) => serviceKitConfig.refine(({ ETL_SERVICE_KIT_TOKENS: file }) => file !== undefined || !hasEndpoints(app),
  { path: ['ETL_SERVICE_KIT_TOKENS'], message: 'is not set; it names the file with the bearer tokens' });

/** A service without a REST API has nobody to let in; its pages need no bearer. */
const accessOf = async ({ ETL_SERVICE_KIT_TOKENS: file }: ServiceKitConfig): Promise<Access> =>
  (file ? await Access.fromFile(file) : new Access({ [randomBytes(24).toString('base64url')]: { name: 'nobody', role: 'viewer' } }));

function stopOnSignal(shutdown: Shutdown, graceMs: number, log: Logger): void {
  const stop = (signal: string): void => {
    log.info({ signal }, 'stopping');
    // Being killed is safe; leaving some seconds before that keeps the exit code and the last log lines.
    setTimeout(() => { log.warn('the grace is over; leaving'); process.exit(0); }, Math.max(0, graceMs - EXIT_BEFORE_KILL_MS)).unref();
    shutdown.run().then(() => 0, (error: unknown) => { log.error({ err: error }, 'not everything stopped cleanly'); return 1; }).then((code) => { process.exit(code); }, () => { process.exit(1); });
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => { stop(signal); });
}

/** An error that nobody handled leaves the process in a state that nobody knows: it ends, and its successor resumes from the tables. */
function exitOnBug(log: Logger): void {
  const die = (error: unknown): void => { log.fatal({ err: error }, 'a bug: the process ends'); process.exit(1); };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
}
