import { DEFAULT_TENANT, type Payload, RunId, TaskRunId } from '@agent-etl/contracts';
import { type WireMessage, wireMessage } from '@agent-etl/messaging';
import { v7 } from 'uuid';
import type { RunEventType } from '../runs/run-view-state.ts';

const second = (offset: number): string => new Date(Date.parse('2026-11-24T10:00:00.000Z') + offset * 1000).toISOString();

/** What the other services say about one run of one load that is cancelled after some progress. */
export class RunStory {
  readonly runId = RunId.parse(v7());
  readonly load = TaskRunId.parse(v7());
  constructor(private readonly pipeline = 'orders', private readonly tenantId: string = DEFAULT_TENANT.id) {}

  say<T extends RunEventType>(type: T, payload: Payload<T>, at: number): WireMessage {
    const app = type.startsWith('run.') ? 'orchestrator' : 'etl-worker';
    return wireMessage({ app, tenantId: this.tenantId, type, payload: payload as Record<string, unknown>, at: second(at) });
  }
  get #run() { return { requestId: null, runId: this.runId, planId: null, pipeline: this.pipeline, kind: 'copy' as const }; }
  get #task() { return { runId: this.runId, taskRunId: this.load, attempt: 1 }; }
  started(): WireMessage {
    return this.say('run.started.v1', { ...this.#run, driver: 'workers', startedAt: second(0), tasks: [{ id: 'load', taskRunId: this.load, kind: 'load' }] }, 0);
  }
  taskStarted(): WireMessage { return this.say('task.run.started.v1', { ...this.#task, worker: 'w1' }, 1); }
  progressed(rows: number): WireMessage {
    return this.say('task.run.progressed.v1', { ...this.#task, progress: { phase: 'copying', rows, totalRows: 1000, bytes: rows, chunksDone: 0, chunks: 8 } }, 1 + rows / 100);
  }
  lost(): WireMessage { return this.say('task.run.failed.v1', { ...this.#task, failure: { code: 'lease.expired', text: 'w1 fell silent.', next: null, traceId: null } }, 15); }
  cancelled(): WireMessage { return this.say('task.run.cancelled.v1', this.#task, 20); }
  finished(): WireMessage { return this.say('run.finished.v1', { ...this.#run, state: 'cancelled', receipt: null, failure: null, finishedAt: second(21) }, 21); }
  whole(): WireMessage[] { return [this.started(), this.taskStarted(), this.progressed(200), this.progressed(400), this.cancelled(), this.finished()]; }
}
