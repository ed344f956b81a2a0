import type { Failure, MessageType, RunState } from '@agent-etl/contracts';
import type { RunRecord } from './run-record.ts';
import type { RunEvent } from './run-state.ts';

/** A message of a run as it is remembered: no payload, and of a failure no value of a row. */
export interface NotedEvent { readonly type: MessageType; readonly task?: string | null; readonly attempt?: number; readonly worker?: string; readonly state?: RunState; readonly failure?: Failure | null }

/** What a worker said, or null: progress, which may be lost, and what nobody said. */
export function taskEvent({ tasks }: RunRecord, event: RunEvent): NotedEvent | null {
  if (event.type === 'progressed' || !('taskRunId' in event)) return null;
  const { type, attempt, taskRunId } = event;
  const about = { type: `task.run.${type}.v1` as const, task: tasks.find((task) => task.taskRunId === taskRunId)?.id ?? null, attempt };
  return { ...about, ...(type === 'started' ? { worker: event.worker } : {}), ...(type === 'failed' ? { failure: event.failure } : {}) };
}
