import 'reflect-metadata';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type App, DEFAULT_TENANT, type Payload } from '@agent-etl/contracts';
import { type StateDatabase, type TenantTx, platformMigrations } from '@agent-etl/persistence';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { Controller, type DynamicModule, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BusStrategy } from './bus-strategy.ts';
import { handlesFor } from './handles.ts';
import { InMemoryBus } from './in-memory-bus.ts';
import { type MessageMeta, wireMessage } from './message-headers.ts';
import { Outbox } from './outbox.ts';

const Handles = handlesFor('orchestrator');
const HandlesGenerator = handlesFor('dag-generator');
const seen: { tenantId: string; type: string; requestId: string }[] = [];

@Controller()
class RequestsDoor {
  @Handles('pipeline.requested.v1')
  async onRequested(payload: Payload<'pipeline.requested.v1'>, tx: TenantTx, meta: MessageMeta): Promise<void> {
    seen.push({ tenantId: tx.tenantId, type: meta.type, requestId: payload.requestId ?? '' });
  }
}
@Controller()
class OtherRequestsDoor {
  @Handles('pipeline.requested.v1') async again(): Promise<void> { await Promise.resolve(); }
}
@Controller()
class GeneratorDoor {
  @HandlesGenerator('plan.approved.v1') async onApproved(): Promise<void> { await Promise.resolve(); }
}
@Controller()
class EventsDoor {
  @Handles('task.run.started.v1') async started(): Promise<void> { await Promise.resolve(); }
  @Handles('task.run.progressed.v1') async progressed(): Promise<void> { await Promise.resolve(); }
  @Handles('task.run.succeeded.v1') async succeeded(): Promise<void> { await Promise.resolve(); }
  @Handles('task.run.failed.v1') async failed(): Promise<void> { await Promise.resolve(); }
  @Handles('task.run.cancelled.v1') async cancelled(): Promise<void> { await Promise.resolve(); }
  @Handles('dag.published.v1') async published(): Promise<void> { await Promise.resolve(); }
  @Handles('dag.failed.v1') async dagFailed(): Promise<void> { await Promise.resolve(); }
}
class Root {}

describePostgres('the transport of a service', () => {
  let database: TestState;
  let state: StateDatabase;
  const start = async (controllers: DynamicModule['controllers'], apps: readonly App[] = ['orchestrator']): Promise<{ app: INestApplication; bus: InMemoryBus }> => {
    const bus = new InMemoryBus();
    const app = await NestFactory.create({ module: Root, controllers: controllers ?? [] }, { logger: false, abortOnError: false });
    for (const name of apps) app.connectMicroservice({ strategy: new BusStrategy({ app: name, bus, state, outbox: new Outbox<App>(name, bus) }) }, { inheritAppConfig: true });
    await app.startAllMicroservices();
    return { app, bus };
  };
  beforeAll(async () => {
    database = await aStateDatabase('transport', [{ schema: 'orchestrator', migrations: platformMigrations() }]);
    state = await database.open('orchestrator');
  });
  afterAll(async () => { await database.drop(); });

  it('calls an ordinary Nest handler with payload, transaction and meta; two services of one process keep their own', async () => {
    const { app, bus } = await start([RequestsDoor, EventsDoor, GeneratorDoor], ['orchestrator', 'dag-generator']);
    await bus.publish([wireMessage({ app: 'orchestrator', tenantId: DEFAULT_TENANT.id, type: 'pipeline.requested.v1', payload: { requestId: 'nest' }, at: '2026-11-24T10:00:00.000Z' })]);
    expect(seen).toEqual([{ tenantId: DEFAULT_TENANT.id, type: 'pipeline.requested.v1', requestId: 'nest' }]);
    await app.close();
  });
  it('does not start while a message that the service reads has no handler, and names it', async () => {
    await expect(start([EventsDoor])).rejects.toThrow('orchestrator has no handler for pipeline.requested.v1');
  });
  it('does not start with two handlers of one message', async () => {
    await expect(start([RequestsDoor, OtherRequestsDoor, EventsDoor])).rejects.toThrow('orchestrator handles pipeline.requested.v1 twice');
  });
});
