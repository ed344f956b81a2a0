import 'reflect-metadata';
import { generateKeyPairSync } from 'node:crypto';
import { InMemoryBus } from '@agent-etl/messaging';
import { mapForTests } from '@agent-etl/planning/testing';
import { Access, armCrash, bootstrapServices, createLog } from '@agent-etl/service-kit';
import { orchestratorService } from '../orchestrator.module.ts';
import type { OrchestratorOrders } from './orchestrator-process.ts';

// An orchestrator as a process of its own: it deals with the slots that are due in its table and with the messages it is given, and dies where it is told. Nobody works for it.
const { urls, crash, heard = [] } = JSON.parse(process.env['ETL_TEST_ORDERS'] ?? '{}') as OrchestratorOrders;
const bus = new InMemoryBus();
armCrash(crash);
await bootstrapServices([orchestratorService({ signingKey: generateKeyPairSync('ed25519').privateKey, connectors: { views: [], mapColumn: mapForTests } })], {
  urls, bus, access: new Access({ 'token-of-the-test-suite': { name: 'test', role: 'admin' } }), log: createLog({ level: 'warn', app: 'orchestrator' }), env: {},
});
await bus.publish(heard.map((message) => ({ ...message, value: Buffer.from(message.value, 'base64') })));
