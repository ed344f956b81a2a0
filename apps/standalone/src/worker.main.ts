import 'reflect-metadata';
import { once } from 'node:events';
import { etlWorkerService } from '@agent-etl/etl-worker';
import { MemorySecretStore } from '@agent-etl/secrets';
import { Access, bootstrapServices, createLog } from '@agent-etl/service-kit';
import { localSecrets } from './local-secrets.ts';
import { ParentBus } from './parent-bus.ts';
import { readProject } from './project.ts';
import { makeToken } from './run-file.ts';
import type { WorkerOrders } from './worker-process.ts';

const graceMs = 25_000;
const [orders] = await once(process, 'message') as [WorkerOrders];
process.chdir(orders.projectDir);
const log = createLog({ level: 'warn', app: 'etl-worker' });
const secrets = localSecrets(orders.projectDir, await readProject(orders.projectDir), new MemorySecretStore());
const running = await bootstrapServices([etlWorkerService({ secrets, fileRoots: orders.fileRoots })], {
  urls: orders.urls, bus: new ParentBus(), access: new Access({ [makeToken()]: { name: 'worker', role: 'viewer' } }), log, env: orders.env,
});
const stop = (): void => {
  setTimeout(() => { process.exit(0); }, graceMs).unref(); // being killed is safe: a step that hangs must not keep an orphan with its claims and its lead of the outbox
  void running.stop().catch(() => undefined).finally(() => { process.exit(0); });
};
// A worker without its parent would claim tasks that nobody hears about.
for (const event of ['disconnect', 'SIGTERM', 'SIGINT']) process.once(event, stop);
