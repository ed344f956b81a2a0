import { type App, endpoints } from '@agent-etl/contracts';

const patterns = Object.values(endpoints).filter(({ app }) => app !== 'standalone').map(({ method, path, app }) => ({ method, app: app as App, pattern: new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`) }));

/** Which service answers a request: the owner of its endpoint; the live feed, the dashboard and its files belong to the monitor. */
export function ownerOf(method: string, url: string): App {
  const path = url.split('?')[0] ?? '/';
  const owner = patterns.find(({ method: wanted, pattern }) => wanted === method && pattern.test(path));
  if (owner) return owner.app;
  // A wrong verb or an unknown path of the API is still answered in the API's words.
  if (path === '/v1/live') return 'monitor';
  if (path.startsWith('/v1/') || path === '/openapi.json' || path === '/asyncapi.json' || path === '/docs') return 'orchestrator';
  return path.startsWith('/health') ? 'orchestrator' : 'monitor';
}
