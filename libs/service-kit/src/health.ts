import type { MessageBus } from '@agent-etl/messaging';
import type { StateDatabase } from '@agent-etl/persistence';

export interface Health { readonly status: 'starting' | 'waiting' | 'ready' | 'degraded' | 'unavailable' | 'stopping'; readonly reasons: readonly string[] }
/** Why a service works less well than it should; null when it is fine. */
export type DegradedCheck = () => string | null | Promise<string | null>;
const PING_LIMIT_MS = 2_000;
/** A group that waits for its broker has joined by then. Who has not is refused, or stands still: no caller should come, and no pod that reads should go for it. */
const JOIN_LIMIT_MS = 10_000;

/** Answers the three health questions. Ready asks the state database, and whether the bus was joined; nothing else that is away makes a service unready, it makes it degraded. */
export class HealthState {
  #phase: 'starting' | 'running' | 'stopping' = 'starting';
  readonly #states: StateDatabase[] = [];
  readonly #checks: DegradedCheck[] = [];
  #joining: { readonly sinceMs: number; readonly limitMs: number } | null = null;

  needs(state: StateDatabase): void { this.#states.push(state); }
  degradedBy(check: DegradedCheck): void { this.#checks.push(check); }
  watch(bus: MessageBus): void {
    this.degradedBy(() => {
      const { ok, reason } = bus.health();
      return ok ? null : reason ?? 'the message bus is away';
    });
  }
  /** Degraded until the groups of this process have joined the bus, and not ready once that has taken too long. */
  joins(joined: Promise<unknown>, limitMs = JOIN_LIMIT_MS): void {
    this.#joining = { sinceMs: performance.now(), limitMs };
    joined.then(() => { this.#joining = null; }, () => undefined); // a group that is refused ends the start
    this.degradedBy(() => (this.#joining ? JOINING : null));
  }
  started(): void { this.#phase = 'running'; }
  stopping(): void { this.#phase = 'stopping'; }
  get hasStarted(): boolean { return this.#phase !== 'starting'; }

  async ready(): Promise<Health> {
    if (this.#phase !== 'running') return { status: this.#phase, reasons: [] };
    const pings = await Promise.allSettled(this.#states.map((state) => within(state.ping())));
    if (pings.some(({ status }) => status === 'rejected')) return { status: 'unavailable', reasons: ['the state database is away'] };
    if (this.#joining && performance.now() - this.#joining.sinceMs > this.#joining.limitMs) return { status: 'unavailable', reasons: [`${JOINING} for ${Math.round((performance.now() - this.#joining.sinceMs) / 1000)} s`] };
    const reasons = (await Promise.all(this.#checks.map(async (check) => await check()))).filter((reason) => reason !== null);
    return { status: reasons.length ? 'degraded' : 'ready', reasons };
  }
}

const JOINING = 'it joins its group on the message bus';

async function within(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => { timer = setTimeout(() => { fail(new Error('no answer')); }, PING_LIMIT_MS); });
  try { await Promise.race([work, late]); } finally { clearTimeout(timer); }
}
