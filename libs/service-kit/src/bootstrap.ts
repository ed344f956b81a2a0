import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type App, EtlError, endpoints } from '@agent-etl/contracts';
import { type MessageBus, topicsReadBy } from '@agent-etl/messaging';
import { type Logins, type Schema, StateDatabase, judgeSchema, requireCurrent } from '@agent-etl/persistence';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { Access } from './access.ts';
import { HealthState } from './health.ts';
import { listen, makeApplication } from './http-service.ts';
import { LiveSockets } from './live-sockets.ts';
import { type Environment, loadConfig } from './load-config.ts';
import { type Joined, joinBus, leaveBus } from './join-bus.ts';
import { processMetrics } from './metrics-page.ts';
import type { AnyService, ServiceParts } from './service-definition.ts';
import { Shutdown } from './shutdown.ts';
import { WaitingRoom } from './waiting-room.ts';

/** @property urls logins of each schema, as prepareState answers them; the migrations are in
 * @property port 0 takes a free one
 * @property isPortWish takes the next one above when it is taken; false when left out
 * @property env what the config slices of the services read
 * @property extraModules further Nest modules with doors of their own, such as the standalone's memory of secrets
 * @property staticFolder a built dashboard, served under every path that is not the API's
 * @property answers whether answers are parsed with their endpoint's schema, for tests
 * @property shutdown given when the caller has steps of its own; a new one otherwise
 * @property poolSize connections of each service's login at most
 * @property isShared false when no other process uses these schemas; true when left out
 * @property waitMs how long a state database that is away, or not migrated yet, is waited for; 0 when left out */
export interface BootOptions {
  readonly urls: Readonly<Partial<Record<Schema, Logins>>>; readonly bus: MessageBus; readonly access: Access; readonly log: Logger;
  readonly host?: string; readonly port?: number; readonly isPortWish?: boolean; readonly env?: Environment; readonly extraModules?: readonly DynamicModule[];
  readonly staticFolder?: string | null; readonly answers?: 'trusted' | 'validated'; readonly shutdown?: Shutdown; readonly poolSize?: number; readonly isShared?: boolean; readonly waitMs?: number;
}
export interface RunningServices {
  readonly url: string; readonly port: number; readonly app: INestApplication; readonly instance: string; readonly health: HealthState; readonly shutdown: Shutdown;
  /** The parts that each service was given. */
  readonly parts: ReadonlyMap<App, ServiceParts<App, unknown>>;
  /** Stops in the order of `stopPhases`. The bus is closed too. */
  stop(): Promise<void>;
}
interface Shared { options: BootOptions; shutdown: Shutdown; health: HealthState; live: LiveSockets; instance: string; room: WaitingRoom }

/** Starts several services in one process: one HTTP server, one bus, a login and a schema each.
 * @throws EtlError `config.invalid` with every problem, `platform.unavailable`; what was started by then is stopped again */
export async function bootstrapServices(definitions: readonly AnyService[], options: BootOptions): Promise<RunningServices> {
  const configs = loadConfig(Object.fromEntries(definitions.map(({ app, config }) => [app, config])), options.env ?? {});
  const shutdown = options.shutdown ?? new Shutdown();
  const shared: Shared = { options, shutdown, health: new HealthState(), live: new LiveSockets(), instance: `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`, room: new WaitingRoom(options) };
  shutdown.onStop('not-ready', () => { shared.health.stopping(); });
  shutdown.onStop('bus', () => options.bus.close());
  shutdown.onStop('http', () => shared.room.close());
  try {
    return await start(definitions, configs, shared);
  } catch (error) {
    await shutdown.run().catch(() => undefined); // why it did not start is what matters
    throw error;
  }
}

async function start(definitions: readonly AnyService[], configs: Record<string, unknown>, shared: Shared): Promise<RunningServices> {
  const { options, shutdown, health, live, instance } = shared;
  const { host = '127.0.0.1', port = 0 } = options;
  const parts = new Map<App, ServiceParts<App, unknown>>();
  const modules: DynamicModule[] = [];
  const buses: Joined[] = [];
  const reached = reaching(options.bus, shared.room, definitions.flatMap(({ app }) => topicsReadBy(app))); // beside the state: each is a handshake or two
  for (const definition of definitions) {
    const state = await openState(definition, shared);
    const log = options.log.child({ app: definition.app });
    const metrics = new Registry();
    const bus = joinBus({ app: definition.app, state, bus: options.bus, metrics, health, log });
    const own = { app: definition.app, config: configs[definition.app], state, bus: options.bus, outbox: bus.outbox, onGivenUp: bus.onGivenUp, log, metrics, shutdown, live, instance } as ServiceParts<App, unknown>;
    parts.set(definition.app, own);
    buses.push(bus);
    modules.push(definition.module(own as never));
  }
  await reached();
  health.watch(options.bus);
  const app = await makeApplication({
    apps: definitions.map((definition) => definition.app), modules: [...modules, ...options.extraModules ?? []], access: options.access, log: options.log, host, health,
    registries: [...[...parts.values()].map(({ metrics }) => metrics), processMetrics()], live, shutdown, staticFolder: options.staticFolder ?? null, answers: options.answers ?? 'trusted',
  });
  for (const { strategy } of buses) app.connectMicroservice({ strategy }, { inheritAppConfig: true });
  await app.init();
  leaveBus(buses, options.bus, shutdown);
  const reading = app.startAllMicroservices();
  // A bus in memory would take a message for sent while nobody reads. A broker keeps it, and may let a new group wait for seconds: that is no reason to keep callers away.
  if (options.bus.expect) await reading;
  else health.joins(reading);
  for (const bus of buses) bus.startRelay();
  await shared.room.close();
  const listening = await listen(app, { host, port, isPortWish: options.isPortWish ?? false });
  health.started();
  options.log.info({ port: listening, apps: definitions.map((definition) => definition.app) }, 'ready');
  await reading;
  return { url: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${listening}`, port: listening, app, instance, health, shutdown, parts, stop: () => shutdown.run() };
}

/** Asks the bus at once, also for the topics: without them a group is never joined. Whoever awaits the answer gets it, and asks again while anything is away. */
function reaching(bus: MessageBus, room: WaitingRoom, topics: readonly string[]): () => Promise<void> {
  let first = bus.reach?.(topics);
  first?.catch(() => undefined); // heard below
  return () => room.patiently(async () => {
    const asked = first ?? bus.reach?.(topics);
    first = undefined;
    await asked;
  });
}

async function openState({ app, schema, entities, migrations }: AnyService, { options, shutdown, health, room }: Shared): Promise<StateDatabase> {
  const login = options.urls[schema];
  if (!login) throw invalid('ETL_PERSISTENCE_URL', `${app} has no login for the schema ${schema}`);
  const state = await room.patiently(() => StateDatabase.open({ ...login, schema, entities, isShared: options.isShared ?? true, ...(options.poolSize === undefined ? {} : { poolSize: options.poolSize }) }));
  shutdown.onStop('pools', () => state.close());
  health.needs(state);
  await room.patiently(async () => { requireCurrent(schema, judgeSchema(await state.migrated(), migrations.map((One) => new One()))); });
  return state;
}

const invalid = (path: string, text: string): EtlError => new EtlError('config.invalid', { problems: `${path}: ${text}` }, { issues: [{ code: 'config', path, text }] });
/** Whether a service has doors that need a bearer. */
export const hasEndpoints = (app: App): boolean => Object.values(endpoints).some((endpoint) => endpoint.app === app);
