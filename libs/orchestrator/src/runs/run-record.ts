import type { Failure, Progress, Receipt, RunState, RunView, TaskResult, TaskRunState, TaskSpec } from '@agent-etl/contracts';

/** One task of a run as the orchestrator knows it. `after`: tasks that must have succeeded before. */
export interface RunTask {
  readonly taskRunId: string; readonly id: string; readonly kind: TaskSpec['kind']; readonly spec: TaskSpec; readonly after: readonly string[];
  readonly state: TaskRunState;
  /** Attempts requested so far; events about another attempt are late. */
  readonly attempt: number;
  readonly failures: number; readonly losses: number;
  /** Not before this instant; null when it is with the workers or does not wait. */
  readonly readyAt: string | null;
  readonly worker: string | null; readonly progress: Progress | null; readonly result: TaskResult | null; readonly failure: Failure | null;
  readonly startedAt: string | null; readonly finishedAt: string | null;
}

/** A run with its tasks in topological order. */
export interface RunRecord {
  readonly runId: string; readonly kind: RunView['kind']; readonly planId: string | null; readonly requestId: string | null;
  readonly pipelineId: string | null; readonly pipeline: string; readonly driver: RunView['driver'];
  /** The dataset that only one live run may write, or null. */
  readonly targetKey: string | null;
  readonly approvedBy: string | null;
  readonly state: RunState; readonly deadline: string; readonly cancelReason: string | null;
  readonly startedAt: string; readonly finishedAt: string | null;
  readonly receipt: Receipt | null; readonly failure: Failure | null;
  /** Events that came too late to count. */
  readonly ignored: number;
  readonly tasks: readonly RunTask[];
}
