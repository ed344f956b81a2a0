import { RequestId, RunId, TaskRunId } from '@agent-etl/contracts';
import { z } from 'zod';

/** What waits for a message: a requester, an attempt of a run, or a run of which nobody knows which attempt. */
export type Waiting = { readonly kind: 'requester'; readonly requestId: string } | { readonly kind: 'run'; readonly runId: string; readonly about: { readonly taskRunId: string; readonly attempt: number } | null };
/** @property requestId the id that the message would have had as a request, where it is one that names none
 * @property json its content, undefined when that is no JSON */
export interface Given { readonly topic: string; readonly type: string | null; readonly key: string; readonly json: unknown; readonly requestId: string | null }

const WithRequest = z.object({ requestId: RequestId });
const WithAttempt = z.object({ runId: RunId, taskRunId: TaskRunId, attempt: z.int().positive() });
/** An attempt goes on after these; whatever else a worker says of it is the last word. */
const passing: readonly (string | null)[] = ['task.run.started.v1', 'task.run.progressed.v1'];

/** Who would wait for ever for the message. Null: nobody, as for word of a DAG, which stands beside its plan and starts nothing. */
export function waitingFor({ topic, type, key, json, requestId }: Given): Waiting | null {
  if (topic === 'etl.pipeline.requests') {
    const named = WithRequest.safeParse(json).data?.requestId ?? requestId;
    return named === null ? null : { kind: 'requester', requestId: named };
  }
  if (topic !== 'etl.task.events' || passing.includes(type)) return null;
  const attempt = WithAttempt.safeParse(json).data;
  if (attempt) return { kind: 'run', runId: attempt.runId, about: { taskRunId: attempt.taskRunId, attempt: attempt.attempt } };
  const run = RunId.safeParse(key).data;
  return run ? { kind: 'run', runId: run, about: null } : null;
}
