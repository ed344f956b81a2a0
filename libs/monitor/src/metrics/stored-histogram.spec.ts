import { describe, expect, it } from '@jest/globals';
import { type Metric, Registry } from 'prom-client';
import type { CounterRow } from './metrics.repository.ts';
import { StoredHistogram } from './stored-histogram.ts';

const textOf = async (rows: readonly CounterRow[]): Promise<string[]> => {
  const registry = new Registry();
  const read = async (names: readonly string[]) => rows.filter(({ name }) => names.includes(name));
  registry.registerMetric(new StoredHistogram({ name: 'etl_run_seconds', help: 'Seconds.', bounds: [1, 60, 300], read }) as unknown as Metric);
  return (await registry.metrics()).trim().split('\n');
};

describe('a stored histogram', () => {
  it('is one family with every bucket in order, also those that no row has', async () => {
    const row = (suffix: string, value: number, labels: CounterRow['labels'] = {}): CounterRow => ({ name: `etl_run_seconds_${suffix}`, labels, value });
    expect(await textOf([row('count', 3), row('bucket', 3, { le: '+Inf' }), row('bucket', 2, { le: '300' }), row('sum', 512.5), row('bucket', 1, { le: '60' })])).toEqual([
      '# HELP etl_run_seconds Seconds.', '# TYPE etl_run_seconds histogram',
      'etl_run_seconds_bucket{le="1"} 0', 'etl_run_seconds_bucket{le="60"} 1', 'etl_run_seconds_bucket{le="300"} 2', 'etl_run_seconds_bucket{le="+Inf"} 3',
      'etl_run_seconds_sum 512.5', 'etl_run_seconds_count 3',
    ]);
  });
  it('says zero before the first run', async () => {
    expect((await textOf([])).slice(2).map((line) => line.split(' ')[1])).toEqual(['0', '0', '0', '0', '0', '0']);
  });
});
