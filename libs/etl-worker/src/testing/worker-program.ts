import 'reflect-metadata';
import { InMemoryBus } from '@agent-etl/messaging';
import { MemorySecretStore } from '@agent-etl/secrets';
import { Access, armCrash, bootstrapServices, createLog } from '@agent-etl/service-kit';
import { etlWorkerService } from '../etl-worker.module.ts';
import type { WorkerOrders } from './worker-process.ts';

// One worker as a process of its own. It hears no commands, since its bus ends with it: rows are claimed, outcomes are read from its outbox.
const { urls, env, crash, fileRoots, secrets: held = {} } = JSON.parse(process.env['ETL_TEST_ORDERS'] ?? '{}') as WorkerOrders;
const secrets = new MemorySecretStore();
for (const [name, fields] of Object.entries(held)) secrets.put(name, { ...fields });
const running = await bootstrapServices([etlWorkerService({ secrets, fileRoots })], {
  urls, bus: new InMemoryBus(), access: new Access({ 'token-of-the-test-suite': { name: 'test', role: 'admin' } }), log: createLog({ level: env['LOG'] === 'info' ? 'info' : 'warn', app: 'etl-worker' }), env,
});
armCrash(crash);
process.once('SIGTERM', () => { void running.stop().finally(() => { process.exit(0); }); });
process.stdout.write('ready\n');
