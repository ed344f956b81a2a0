import { Registry, collectDefaultMetrics } from 'prom-client';

/** The metrics of the process itself. A coarse event loop probe: the usual one wakes an idle process a hundred times a second. */
export function processMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 500 });
  return registry;
}

/** The registries of a process as one Prometheus text. Series of one name stand together; of equal series the first one's value is shown. */
export async function metricsText(registries: readonly Registry[]): Promise<string> {
  const families = new Map<string, Map<string, string>>();
  for (const registry of registries) {
    for (const { name } of registry.getMetricsAsArray()) {
      const family = families.get(name) ?? new Map<string, string>();
      families.set(name, family);
      // A number that must be asked for is left out while its database is away: the others are needed most then.
      const text = await registry.getSingleMetricAsString(name).catch(() => '');
      for (const line of text.split('\n')) {
        const series = line.startsWith('#') ? line.split(' ', 2).join(' ') : line.slice(0, line.lastIndexOf(' '));
        if (!family.has(series)) family.set(series, line);
      }
    }
  }
  const texts = [...families.values()].map((family) => [...family.values()].filter((line) => line !== '').join('\n'));
  return `${texts.filter((text) => text !== '').join('\n\n')}\n`;
}
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
