import { setTimeout as sleep } from 'node:timers/promises';
import { types } from 'node:util';
import { type App, EtlError } from '@agent-etl/contracts';
import { BusStrategy, KafkaBus, type GivenUp, type MessageBus, type OnGivenUp, Outbox, OutboxRelay, type WhyGivenUp, typeOf } from '@agent-etl/messaging';
import type { StateDatabase } from '@agent-etl/persistence';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { HealthState } from './health.ts';
import type { Shutdown } from './shutdown.ts';

export interface JoinOptions { readonly app: App; readonly state: StateDatabase; readonly bus: MessageBus; readonly metrics: Registry; readonly health: HealthState; readonly log: Logger }
export interface Joined { readonly outbox: Outbox<App>; readonly strategy: BusStrategy<App>; onGivenUp(hook: OnGivenUp): void; startRelay(): void; closeRelay(): Promise<void> }
/** Unsent for longer than this, messages are late: something is away. */
const LATE_SECONDS = 30;
const LAG_FRESH_MS = 15_000;
const DRAIN_MS = 3_000;

/** Everything between one service and the bus. The handlers start with the Nest application, the relay after all of them:
 * a bus in memory takes a message for sent when nobody reads its topic. */
export function joinBus({ app, state, bus, metrics, health, log }: JoinOptions): Joined {
  const outbox = new Outbox<App>(app, bus);
  let hook: OnGivenUp | undefined;
  const strategy = new BusStrategy<App>({
    app, bus, state, outbox, onGivenUp: async (...given) => { await hook?.(...given); }, onDeadLetter: (letter, why) => { tellDeadLetter(log, letter, why); },
  });
  let relay: OutboxRelay | undefined;
  health.degradedBy(async () => {
    const age = await relay?.oldestSeconds().catch(() => 0) ?? 0; // a database that is away is told by the readiness itself
    return age > LATE_SECONDS ? `${app} has messages that wait for ${Math.round(age)} s` : null;
  });
  new Gauge({
    name: 'etl_outbox_oldest_seconds', help: 'Age of the oldest message that is not sent yet.', labelNames: ['app'], registers: [metrics],
    async collect(): Promise<void> { this.set({ app }, await relay?.oldestSeconds() ?? 0); },
  });
  if (bus instanceof KafkaBus) countLag(app, bus, metrics);
  return {
    outbox, strategy,
    onGivenUp: (given) => { hook = given; },
    startRelay: () => { relay = new OutboxRelay(state, bus, outbox); },
    closeRelay: async () => { await relay?.close(); },
  };
}

const MOST_FRAMES = 6;
/** Kind of an error that the error table does not know, and where it was thrown. Its words may hold values of users: they are left out. */
function placeOf(error: unknown): string {
  const cause = error instanceof EtlError ? error.cause ?? error : error;
  if (!types.isNativeError(cause)) return typeof cause;
  const frames = (cause.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)).slice(0, MOST_FRAMES).map((line) => line.trim());
  return [cause.name, ...frames].join(' | ');
}
/** One line per dead letter, with what finds it again. Payloads stay in the letter. */
function tellDeadLetter(log: Logger, letter: GivenUp, { error, notEnded }: WhyGivenUp): void {
  const { id, message: { topic, key }, failure: { code }, tries } = letter;
  log.error({ letter: id, type: typeOf(letter), topic, key, code, tries, ...(code === 'platform.internal' ? { thrown: placeOf(error) } : {}) }, 'a message was given up');
  if (notEnded !== undefined) log.error({ letter: id, err: notEnded }, 'what waits for this message could not be ended with it');
}

/** How the services of a process leave the bus. A broker keeps what is sent after the readers have gone, so the outboxes are drained last.
 * A bus in memory forgets it: there the relays stop while everybody still reads, and what is left over waits in the tables for the next start. */
export function leaveBus(joined: readonly Joined[], bus: MessageBus, shutdown: Shutdown): void {
  const readers = async (): Promise<void> => { await Promise.all(joined.map(({ strategy }) => strategy.close())); };
  const relays = async (): Promise<void> => { await Promise.all(joined.map(({ closeRelay }) => closeRelay())); };
  if (bus instanceof KafkaBus) {
    shutdown.onStop('consumers', readers);
    shutdown.onStop('outbox', relays);
    return;
  }
  shutdown.onStop('consumers', async () => {
    const drained = relays();
    // A handler that cannot finish would keep its relay waiting; once its reader has closed, the message goes back to the table.
    await Promise.race([drained, sleep(DRAIN_MS, undefined, { ref: false })]);
    await readers();
    await drained;
  });
}

/** Asking the brokers costs a connection: scrapes within some seconds share one answer. */
function countLag(app: App, bus: KafkaBus, metrics: Registry): void {
  let askedAt = -Infinity;
  let lag: number | null = null;
  new Gauge({
    name: 'etl_consumer_lag', help: 'Messages that a service has not taken yet.', labelNames: ['app'], registers: [metrics],
    async collect(): Promise<void> {
      if (performance.now() - askedAt > LAG_FRESH_MS) {
        askedAt = performance.now();
        lag = await bus.lag(app).catch(() => lag); // away: the last known number, and readiness says degraded
      }
      if (lag !== null) this.set({ app }, lag); // never known is not none
    },
  });
}
