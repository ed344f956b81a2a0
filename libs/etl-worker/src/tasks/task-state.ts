import { EtlError, type Failure, type TaskResult, toFailure } from '@agent-etl/contracts';

export const taskTransitions = {
  waiting: ['running', 'cancelled'],
  running: ['succeeded', 'failed', 'cancelled', 'lost'],
  succeeded: [], failed: [], cancelled: [], lost: [],
} as const satisfies Record<string, readonly string[]>;
export type TaskState = keyof typeof taskTransitions;

/** How an attempt ended, as the one who ran it sees it. `gone`: somebody else owns the task, so nothing is reported. */
export type Outcome =
  | { readonly state: 'succeeded'; readonly result: TaskResult }
  | { readonly state: 'failed'; readonly failure: Failure }
  | { readonly state: 'cancelled' }
  | { readonly state: 'gone' };
/** An outcome that is reported. */
export type Heard = Exclude<Outcome, { state: 'gone' }>;

/** The error that counts: why the attempt was told to stop, or else what the step threw. An aborted step throws all sorts of things. */
export const decisiveError = (thrown: unknown, told: unknown): unknown => told ?? inOurWords(thrown);
const inOurWords = (error: unknown): unknown =>
  ((error as { code?: unknown } | null)?.code === 'ENOSPC' ? new EtlError('platform.disk-full', { what: 'the scratch folder of the worker' }, { cause: error }) : error);

/** What an attempt reports that did not succeed. */
export function outcomeOf(error: unknown, traceId: string | null = null): Outcome {
  if (error instanceof EtlError && error.code === 'run.cancelled') return { state: 'cancelled' };
  if (error instanceof EtlError && error.code === 'lease.lost') return { state: 'gone' };
  return { state: 'failed', failure: toFailure(error, traceId) };
}

/** Whether staging of the run has certainly no further use. Whether anybody tries again after an error that may pass is for the orchestrator to say: it
 * marks an attempt that ended as cancelled. */
export const staysUnused = (error: unknown): boolean =>
  error instanceof EtlError && (error.code === 'run.cancelled' || error.row.retry === 'never' || error.row.retry === 'repair');

/** What is known when an attempt ends. @property keepsStaging whether the target still holds what it staged, for a later attempt or the publish */
export interface Ending<O extends Outcome = Outcome> { readonly outcome: O; readonly keepsStaging: boolean }

/** Whether a cancel has to be carried out by a worker, because an earlier step or attempt may have left staging behind. */
export const leavesStaging = (kind: string, attempt: number): boolean => kind === 'publish' || (kind === 'load' && attempt > 1);
