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
      for (const line of (await registry.getSingleMetricAsString(name)).split('\n')) {
        const series = line.startsWith('#') ? line.split(' ', 2).join(' ') : line.slice(0, line.lastIndexOf(' '));
        if (!family.has(series)) family.set(series, line);
      }
    }
  }
  return `${[...families.values()].map((family) => [...family.values()].filter((line) => line !== '').join('\n')).join('\n\n')}\n`;
}
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
