// The five images, and what each says of itself. One recipe makes them all: build.mjs.
const ports = { orchestrator: 8080, 'dag-generator': 8081, monitor: 8082, 'etl-worker': 8083, standalone: 8080 };
const says = {
  orchestrator: 'takes requests, plans, hands out tasks and signs receipts', 'etl-worker': 'claims tasks and moves bytes', monitor: 'views, metrics, alerts and the dashboard', 'dag-generator': 'renders approved plans to Airflow DAGs',
  standalone: 'all services and a PostgreSQL in one container, for a look at the product',
};
export const apps = Object.keys(says);
export const USER = 10001;
/** Monitor and standalone serve it. */
export const hasDashboard = (app) => app === 'monitor' || app === 'standalone';
/** Programs of Debian that an app starts: `mkfifo` for the pipes to the engine, a shell and the locale C.UTF-8 because the embedded PostgreSQL makes its cluster with them. No other image has any. */
const extras = { 'etl-worker': ['pipes'], standalone: ['pipes', 'shell'] };
export const extrasOf = (app) => extras[app] ?? [];
export const hasShell = (app) => extrasOf(app).includes('shell');

export const configOf = (app) => ({
  User: `${USER}:${USER}`, ExposedPorts: { [`${ports[app]}/tcp`]: {} }, Env: ['PATH=/usr/local/bin:/usr/bin', 'NODE_ENV=production'],
  Entrypoint: ['/usr/local/bin/node', '--max-semi-space-size=8', '/app/start.mjs'],
  WorkingDir: hasShell(app) ? '/project' : '/app', ...(hasShell(app) ? { Volumes: { '/project': {} } } : {}), StopSignal: 'SIGTERM',
});
/** @param about `{ version, revision, created, base }` */
export const labelsOf = (app, { version, revision, created, base }) => Object.fromEntries(Object.entries({
  title: `agent-etl ${app}`, description: says[app], version, revision, created, licenses: 'Apache-2.0', vendor: 'Agent-Orchestrated ETL', 'base.name': base,
}).filter(([, value]) => value).map(([key, value]) => [`org.opencontainers.image.${key}`, value]));
