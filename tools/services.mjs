// `npm run services [-- --json --port 8080]`: a real Kafka, a real PostgreSQL, the four services as processes and one address in front. Ctrl-C stops all.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { cache, ensureInstalled, environment, root } from './install.mjs';

ensureInstalled();
const { provisionKafka } = await import('./provision/kafka/provision.mjs');
const { startKafka } = await import('./provision/kafka/kafka-cluster.mjs');
const given = process.argv.slice(2);
// Ready lines of tests go to stdout; what a build says does not.
const apps = ['orchestrator', 'etl-worker', 'dag-generator', 'monitor', 'standalone', 'cli', 'dashboard'].map((app) => `${app}-app`).join(',');
const built = spawnSync('nx', ['run-many', '-t', 'build', '-p', apps, '--output-style=static'], { cwd: root, env: environment(), stdio: ['ignore', 2, 2] });
if (built.status !== 0) process.exit(built.status ?? 1);
const at = (name) => { const index = given.indexOf(name); return index < 0 ? undefined : given[index + 1]; };
const kafka = at('--brokers') ? undefined : await startKafka({ ...await provisionKafka(join(cache, 'kafka')), dir: join(cache, 'kafka', at('--folder') ? `services-${process.pid}` : 'services') });
const brokers = kafka ? ['--brokers', kafka.brokers.join(',')] : [];
const child = spawn(join(root, 'node_modules', '.bin', 'node'), ['--enable-source-maps', join(root, 'dist', 'apps', 'standalone', 'services.main.js'), ...brokers, ...given], { stdio: 'inherit', cwd: root, env: environment() });
// The services end first: they still say goodbye through the broker. A terminal's Ctrl-C reaches them by itself.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal); });
child.once('exit', async (code) => { await kafka?.stop(); process.exit(code ?? 1); });
