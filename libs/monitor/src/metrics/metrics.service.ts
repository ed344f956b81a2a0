import { Inject, Injectable } from '@nestjs/common';
import { DEFAULT_TENANT, type Series } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { Gauge, type Registry } from 'prom-client';
import { LiveHub } from '../feed/live-hub.service.ts';
import { type CounterRow, MetricsRepository, SLOT_SECONDS } from './metrics.repository.ts';

export const METRICS_REGISTRY = Symbol('monitor metrics registry');
const FRESHNESS_LIMIT = 50;
const labelled = [
  ['etl_runs_total', 'Runs that ended.', ['pipeline_class', 'state']], ['etl_rows_total', 'Rows proved by receipts.', ['direction']],
  ['etl_rejected_rows_total', 'Rows set aside.', []], ['etl_reconcile_mismatch_total', 'Runs whose source and target differed.', []], ['etl_lease_lost_total', 'Workers that stopped answering.', []],
  ['etl_run_seconds_bucket', 'Runs that took at most `le` seconds.', ['le']], ['etl_run_seconds_sum', 'Seconds of all runs.', []], ['etl_run_seconds_count', 'Runs that were timed.', []],
] as const;

/** What /metrics says about runs. The numbers are read from the database when somebody scrapes. */
@Injectable()
export class MetricsService {
  constructor(private readonly state: StateDatabase, private readonly metrics: MetricsRepository, private readonly hub: LiveHub, @Inject(METRICS_REGISTRY) private readonly registry: Registry) {}

  register(): void {
    const gauges = new Map(labelled.map(([name, help, labelNames]) => [name as string, new Gauge({ name, help, labelNames: [...labelNames], registers: [] })]));
    const fill = (rows: readonly CounterRow[]): void => {
      for (const gauge of gauges.values()) gauge.reset();
      for (const { name, labels, value } of rows) gauges.get(name)?.set({ ...labels }, value);
    };
    const { state, metrics } = this;
    const [first, ...rest] = [...gauges.values()];
    if (!first) return;
    const answer = async (): Promise<void> => { fill(await state.inTenantTx(DEFAULT_TENANT.id, (tx) => metrics.counters(tx))); };
    Object.assign(first, { collect: answer });
    for (const gauge of [first, ...rest]) this.registry.registerMetric(gauge);
    this.#registerOthers();
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
