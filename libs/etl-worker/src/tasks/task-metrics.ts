import { Gauge, Histogram, type Registry } from 'prom-client';

/** What an operator sees of the queue. Lost leases are counted by the monitor, from their events. */
export class TaskMetrics {
  private readonly wait: Histogram;
  /** @param depth attempts that wait for a free slot, asked at each scrape; a scrape without an answer leaves the gauge as it was */
  constructor(registry: Registry, depth: () => Promise<number>) {
    this.wait = new Histogram({
      name: 'etl_task_wait_seconds', help: 'Seconds from command to claim.', registers: [registry],
      buckets: [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800],
    });
    const collected = new Gauge({
      name: 'etl_queue_depth', help: 'Attempts that wait for a free slot.', registers: [registry],
      async collect() {
        const now = await depth().catch(() => null);
        if (now !== null) collected.set(now);
      },
    });
  }
  waited(seconds: number): void { this.wait.observe(seconds); }
}
