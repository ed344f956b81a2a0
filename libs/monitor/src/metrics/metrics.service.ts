import { Inject, Injectable } from '@nestjs/common';
import { DEFAULT_TENANT, type Series } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { Counter, Gauge, type Metric, type Registry } from 'prom-client';
import { LiveHub } from '../feed/live-hub.service.ts';
import { runSecondsBuckets } from './metrics-rules.ts';
import { type CounterRow, MetricsRepository, SLOT_SECONDS } from './metrics.repository.ts';
import { StoredHistogram } from './stored-histogram.ts';

export const METRICS_REGISTRY = Symbol('monitor metrics registry');
const FRESHNESS_LIMIT = 50;
const counters = [
  ['etl_runs_total', 'Runs that ended.', ['pipeline_class', 'state']], ['etl_rows_total', 'Rows proved by receipts.', ['direction']], ['etl_rejected_rows_total', 'Rows set aside.', []],
  ['etl_reconcile_mismatch_total', 'Runs whose source and target differed.', []], ['etl_lease_lost_total', 'Attempts that ended because their worker fell silent.', []],
] as const;

/** What /metrics says about runs. The numbers are read from the database when somebody scrapes. */
@Injectable()
export class MetricsService {
  constructor(private readonly state: StateDatabase, private readonly metrics: MetricsRepository, private readonly hub: LiveHub, @Inject(METRICS_REGISTRY) private readonly registry: Registry) {}

  register(): void {
    for (const [name, help, labelNames] of counters) this.#registerCounter({ name, help, labelNames: [...labelNames] });
    const read = (names: readonly string[]): Promise<CounterRow[]> => this.#stored(names);
    // prom-client's type of a metric is the union of its own four classes; its registry asks for name and get().
    this.registry.registerMetric(new StoredHistogram({ name: 'etl_run_seconds', help: 'Seconds from start to end of a run.', bounds: runSecondsBuckets, read }) as unknown as Metric);
    this.#registerOthers();
  }
  /** Each metric reads by itself: one whose read fails is left out of the page instead of showing old numbers. */
  #stored(names: readonly string[]): Promise<CounterRow[]> { return this.state.inTenantTx(DEFAULT_TENANT.id, (tx) => this.metrics.counters(tx, names)); }
  #registerCounter({ name, help, labelNames }: { name: string; help: string; labelNames: string[] }): void {
    const read = (): Promise<CounterRow[]> => this.#stored([name]);
    new Counter({
      name, help, labelNames, registers: [this.registry],
      async collect(): Promise<void> {
        const rows = await read();
        this.reset();
        for (const { labels, value } of rows) this.inc({ ...labels }, value);
      },
    });
  }
  #registerOthers(): void {
    const { state, metrics, hub } = this;
    const registers = [this.registry];
    new Gauge({ name: 'etl_live_clients', help: 'Clients of the live feed.', registers, collect(): void { this.set(hub.clients); } });
    new Gauge({ name: 'etl_dead_letters', help: 'Messages that no handler could take.', registers, async collect(): Promise<void> { this.set(await state.inTenantTx(DEFAULT_TENANT.id, (tx) => metrics.deadLetters(tx))); } });
    new Gauge({
      name: 'etl_freshness_seconds', help: `Seconds since a pipeline was last green; the oldest ${FRESHNESS_LIMIT}.`, labelNames: ['pipeline'], registers,
      async collect(): Promise<void> {
        const rows = await state.inTenantTx(DEFAULT_TENANT.id, (tx) => metrics.freshness(tx, FRESHNESS_LIMIT));
        this.reset();
        for (const { pipeline, seconds } of rows) this.set({ pipeline }, seconds);
      },
    });
  }
  async series(tenantId: string, name: string): Promise<Series> {
    return { name, stepSeconds: SLOT_SECONDS, points: await this.state.inTenantTx(tenantId, (tx) => this.metrics.throughput(tx)) };
  }
}
