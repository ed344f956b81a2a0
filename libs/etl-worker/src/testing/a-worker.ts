import { DEFAULT_TENANT, type MessageType, type Payload, type TaskCommand } from '@agent-etl/contracts';
import { InMemoryBus, wireMessage } from '@agent-etl/messaging';
import { type TestState, aStateDatabase } from '@agent-etl/persistence/testing';
import { Access, type RunningServices, bootstrapServices, createLog } from '@agent-etl/service-kit';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EtlWorkerOptions, etlWorkerMigrations, etlWorkerService } from '../etl-worker.module.ts';

export const workerSchema = { schema: 'worker' as const, migrations: etlWorkerMigrations };
type TaskEvent = Extract<MessageType, `task.run.${'started' | 'progressed' | 'succeeded' | 'failed' | 'cancelled'}.v1`>;
export interface Heard { readonly type: TaskEvent; readonly payload: Payload<TaskEvent> }

/** A state database with one bus on which workers start, commands are said and events are heard. */
export class AWorkplace {
  readonly heard: Heard[] = [];
  readonly bus: InMemoryBus;
  private readonly running: RunningServices[] = [];
  private constructor(readonly database: TestState, repeat: number) { this.bus = new InMemoryBus({ repeat, longestPauseMs: 50 }); }

  /** @param repeat share of messages that come twice */
  static async open(suite: string, repeat = 0): Promise<AWorkplace> {
    const place = new AWorkplace(await aStateDatabase(suite, [workerSchema]), repeat);
    await place.bus.subscribe('test', ['etl.task.events'], (message) => {
      place.heard.push({ type: message.headers['ce_type'] as TaskEvent, payload: JSON.parse(Buffer.from(message.value).toString()) as Payload<TaskEvent> });
      return Promise.resolve();
    });
    return place;
  }

  async worker(options: EtlWorkerOptions, env: Record<string, string> = {}): Promise<RunningServices> {
    const services = await bootstrapServices([etlWorkerService(options)], {
      urls: this.database.logins, bus: keptOpen(this.bus), access: new Access({ 'token-of-the-test-suite': { name: 'test', role: 'admin' } }),
      log: createLog({ level: 'silent', app: 'etl-worker' }), env: { ETL_ETL_WORKER_LEASE_MS: '1500', ...env },
    });
    this.running.push(services);
    return services;
  }
  async command(command: TaskCommand, tenantId: string = DEFAULT_TENANT.id): Promise<void> {
    await this.say(tenantId, 'task.run.requested.v1', command);
  }
  async cancel({ runId, taskRunId, attempt }: TaskCommand, tenantId: string = DEFAULT_TENANT.id): Promise<void> {
    await this.say(tenantId, 'task.run.cancel-requested.v1', { runId, taskRunId, attempt, reason: 'test' });
  }
  /** Waits for an event of one task. @throws Error naming what was heard instead */
  async event<T extends TaskEvent>(type: T, { taskRunId, attempt }: Pick<TaskCommand, 'taskRunId' | 'attempt'>, withinMs = 10_000): Promise<Payload<T>> {
    const until = performance.now() + withinMs;
    while (performance.now() < until) {
      const found = this.heard.find((one) => one.type === type && one.payload.taskRunId === taskRunId && one.payload.attempt === attempt);
      if (found) return found.payload as Payload<T>;
      await sleep(5);
    }
    const about = this.heard.filter(({ payload }) => payload.taskRunId === taskRunId);
    throw new Error(`no ${type} of attempt ${attempt} within ${withinMs} ms; heard ${JSON.stringify(about)}`);
  }
  of(taskRunId: string): string[] {
    return this.heard.filter(({ payload, type }) => payload.taskRunId === taskRunId && type !== 'task.run.progressed.v1').map(({ type }) => type);
  }
  /** Stops every worker; the database and the bus stay. */
  async rest(): Promise<void> { await Promise.all(this.running.splice(0).map((services) => services.stop())); }
  async close(): Promise<void> {
    await this.rest();
    await this.bus.close();
    await this.database.drop();
  }
  /** Says something over the bus as the orchestrator, whether or not the catalogue allows it. */
  async say(tenantId: string, type: MessageType, payload: Record<string, unknown>): Promise<void> {
    await this.bus.publish([wireMessage({ app: 'orchestrator', tenantId, type, payload, at: new Date().toISOString() })]);
  }
}
/** The bus of the workplace outlives each of its workers. */
const keptOpen = (bus: InMemoryBus): InMemoryBus => new Proxy(bus, {
  get: (target, name) => {
    if (name === 'close') return () => Promise.resolve();
    const member: unknown = Reflect.get(target, name, target);
    return typeof member === 'function' ? (member as (...given: unknown[]) => unknown).bind(target) : member;
  },
});
