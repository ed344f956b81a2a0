import 'reflect-metadata';
import { InMemoryBus } from '@agent-etl/messaging';
import { Access, armCrash, bootstrapServices, createLog } from '@agent-etl/service-kit';
import { dagGeneratorService } from '../dag-generator.module.ts';
import type { GeneratorOrders } from './generator-process.ts';

// A dag-generator as a process of its own: it renders what waits in its table, and dies where it is told.
const { urls, folder, crash } = JSON.parse(process.env['ETL_TEST_ORDERS'] ?? '{}') as GeneratorOrders;
armCrash(crash);
await bootstrapServices([dagGeneratorService({ scheduler: folder })], {
  urls, bus: new InMemoryBus(), access: new Access({ 'token-of-the-test-suite': { name: 'test', role: 'admin' } }), log: createLog({ level: 'warn', app: 'dag-generator' }), env: {},
});
