import type { ServerResponse } from 'node:http';
import { type App, type Endpoint, endpoints } from '@agent-etl/contracts';
import type { Registry } from 'prom-client';
import { asyncApi } from './async-api.ts';
import type { Asked } from './asked.ts';
import { docsPage } from './docs-page.ts';
import type { HealthState } from './health.ts';
import { METRICS_TYPE, metricsText } from './metrics-page.ts';
import { openApi } from './open-api.ts';
import { serveStatic } from './static-files.ts';

export interface PageOptions { readonly apps: readonly App[]; readonly health: HealthState; readonly registries: readonly Registry[]; readonly staticFolder: string | null }
type Page = () => Promise<{ status?: number; type: string; body: string }>;

/** What a process answers besides its REST API, without a bearer: health, metrics, documents and, where there is one, the dashboard.
 * @returns false when the path is none of these */
export function pagesOf(options: PageOptions): (request: Asked, response: ServerResponse) => Promise<boolean> {
  const pages = new Map<string, Page>(Object.entries({ ...healthPages(options.health), ...documents(options.apps), ...metricsPage(options.registries) }));
  return async (request, response) => {
    const page = request.method === 'GET' ? pages.get((request.url ?? '').split('?')[0]!) : undefined;
    if (page) { send(response, await page()); return true; }
    return options.staticFolder !== null && await serveStatic(options.staticFolder, request, response);
  };
}

const json = (value: unknown, status = 200) => ({ status, type: 'application/json', body: JSON.stringify(value) });

function healthPages(health: HealthState): Record<string, Page> {
  return {
    '/health/startup': async () => json({ status: health.hasStarted ? 'started' : 'starting' }, health.hasStarted ? 200 : 503),
    '/health/live': async () => json({ status: 'live' }), // whoever can answer has an event loop that turns
    '/health/ready': async () => {
      const ready = await health.ready();
      return json(ready, ready.status === 'ready' || ready.status === 'degraded' ? 200 : 503);
    },
  };
}

function documents(apps: readonly App[]): Record<string, Page> {
  const own: Record<string, Endpoint> = Object.fromEntries(Object.entries(endpoints).filter(([, { app }]) => (apps as readonly string[]).includes(app)));
  const once = <T>(make: () => T): (() => T) => { let made: T | undefined; return () => (made ??= make()); };
  const open = once(() => openApi(own));
  const messages = once(() => asyncApi(apps.length === 1 ? apps[0] : undefined));
  return {
    '/openapi.json': async () => json(open()),
    '/asyncapi.json': async () => json(messages()),
    '/docs': async () => ({ type: 'text/html; charset=utf-8', body: docsPage(own) }),
  };
}
const metricsPage = (registries: readonly Registry[]): Record<string, Page> => ({ '/metrics': async () => ({ type: METRICS_TYPE, body: await metricsText(registries) }) });

function send(response: ServerResponse, { status = 200, type, body }: Awaited<ReturnType<Page>>): void {
  response.statusCode = status;
  response.setHeader('Content-Type', type);
  response.setHeader('Cache-Control', 'no-store');
  response.end(body);
}
