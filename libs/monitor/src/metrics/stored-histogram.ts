import type { CounterRow } from './metrics.repository.ts';

export interface StoredHistogramOptions { readonly name: string; readonly help: string; readonly bounds: readonly number[]; read(names: readonly string[]): Promise<readonly CounterRow[]> }
interface Sample { readonly metricName: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }

/** A histogram whose buckets, sum and count are kept elsewhere, already cumulative. prom-client's own can only observe. */
export class StoredHistogram {
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly name: string;
  readonly help: string;
  constructor(private readonly options: StoredHistogramOptions) {
    this.name = options.name;
    this.help = options.help;
  }
  async get(): Promise<{ name: string; help: string; type: string; aggregator: string; values: Sample[] }> {
    const { name, help, type, aggregator, options } = this;
    const [bucket, sum, count] = [`${name}_bucket`, `${name}_sum`, `${name}_count`];
    const rows = await options.read([bucket, sum, count]); // one read: +Inf and _count must agree
    const sample = (metricName: string, le?: string): Sample => ({
      metricName, labels: le === undefined ? {} : { le }, value: rows.find((row) => row.name === metricName && row.labels['le'] === le)?.value ?? 0,
    });
    return { name, help, type, aggregator, values: [...[...options.bounds.map(String), '+Inf'].map((le) => sample(bucket, le)), sample(sum), sample(count)] };
  }
  /** The registry may ask for it; what is kept elsewhere stays. */
  reset(): void { /* nothing is kept here */ }
}
