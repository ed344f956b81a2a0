import type { App } from '@agent-etl/contracts';
import { BusStrategy, KafkaBus, type MessageBus, type OnUnreadable, Outbox, OutboxRelay } from '@agent-etl/messaging';
import type { StateDatabase } from '@agent-etl/persistence';
import { Gauge, type Registry } from 'prom-client';
import type { HealthState } from './health.ts';
import type { Shutdown } from './shutdown.ts';

export interface JoinOptions { readonly app: App; readonly state: StateDatabase; readonly bus: MessageBus; readonly metrics: Registry; readonly shutdown: Shutdown; readonly health: HealthState }
export interface Joined { readonly outbox: Outbox<App>; readonly strategy: BusStrategy<App>; onUnreadable(hook: OnUnreadable): void; start(): void }
/** Unsent for longer than this, messages are late: something is away. */
const LATE_SECONDS = 30;
const LAG_FRESH_MS = 15_000;

/** Everything between one service and the bus. The relay starts with `start`, the handlers with the Nest application. */
export function joinBus({ app, state, bus, metrics, shutdown, health }: JoinOptions): Joined {
  const outbox = new Outbox<App>(app, bus);
  let hook: OnUnreadable | undefined;
  const strategy = new BusStrategy<App>({ app, bus, state, outbox, onUnreadable: async (...given) => { await hook?.(...given); } });
  let relay: OutboxRelay | undefined;
  shutdown.onStop('consumers', () => strategy.close());
  shutdown.onStop('outbox', () => relay?.close());
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
    onUnreadable: (given) => { hook = given; },
    start: () => { relay = new OutboxRelay(state, bus, outbox); },
  };
}

/** Asking the brokers costs a connection: scrapes within some seconds share one answer. */
function countLag(app: App, bus: KafkaBus, metrics: Registry): void {
  let askedAt = -Infinity;
  let lag = 0;
  new Gauge({
    name: 'etl_consumer_lag', help: 'Messages that a service has not taken yet.', labelNames: ['app'], registers: [metrics],
    async collect(): Promise<void> {
      if (performance.now() - askedAt > LAG_FRESH_MS) {
        askedAt = performance.now();
        lag = await bus.lag(app).catch(() => lag); // away: the last known number, and readiness says degraded
      }
      this.set({ app }, lag);
    },
  });
}
