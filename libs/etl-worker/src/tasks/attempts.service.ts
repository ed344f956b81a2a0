import { EtlError, type Failure, toFailure, traceOf } from '@agent-etl/contracts';
import { Outbox } from '@agent-etl/messaging';
import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptContext } from '../steps/attempt-context.ts';
import { StepRunner } from '../steps/step-runner.ts';
import type { HeldTask } from './held-task.ts';
import { Leases } from './leases.service.ts';
import { ProgressFeed } from './progress-feed.ts';
import { type Ending, type Heard, decisiveError, outcomeOf, staysUnused } from './task-state.ts';
import { WORKER_LOG, type WorkerLog } from './worker-log.ts';

const REPORT_RETRY_MS = 500;

/** Runs one held attempt from its first byte to its report. */
@Injectable()
export class Attempts {
  private readonly leases: Leases;
  private readonly steps: StepRunner;
  private readonly outbox: Outbox<'etl-worker'>;
  private readonly log: WorkerLog;
  constructor(leases: Leases, steps: StepRunner, outbox: Outbox<'etl-worker'>, @Inject(WORKER_LOG) log: WorkerLog) {
    this.leases = leases;
    this.steps = steps;
    this.outbox = outbox;
    this.log = log;
  }

  /** Resolves when the attempt is reported, or belongs to somebody else. Never rejects. */
  async run(held: HeldTask): Promise<void> {
    const { claimed } = held;
    const { runId, taskRunId, attempt, tenantId } = claimed;
    const about = { runId: claimed.command.runId, taskRunId: claimed.command.taskRunId, attempt };
    const feed = new ProgressFeed((progress) => this.outbox.announce(tenantId, 'task.run.progressed.v1', { ...about, progress }));
    const context = this.steps.open(held, (progress) => { feed.update(progress); });
    let isHeard = false;
    try {
      const { outcome, keepsStaging } = await this.ending(held, context);
      feed.close();
      isHeard = outcome.state !== 'gone' && await this.report(held, { outcome, keepsStaging });
      const failure = !isHeard ? toFailure(new EtlError('lease.lost')) : outcome.state === 'failed' ? outcome.failure : undefined;
      this.log.info({ runId, taskRunId, attempt, state: isHeard ? outcome.state : 'gone', failure: failure && withoutCell(failure) }, 'attempt ended');
    } finally {
      feed.close();
      await context.close(isHeard ? 'heard' : 'unheard');
      held.close();
    }
  }

  private async ending({ claimed, signal }: HeldTask, context: AttemptContext): Promise<Ending> {
    try {
      signal.throwIfAborted();
      return { outcome: { state: 'succeeded', result: await context.run() }, keepsStaging: claimed.command.task.kind === 'load' };
    } catch (thrown) {
      const error = decisiveError(thrown, signal.reason);
      const traceId = traceOf(claimed.taskRunId);
      if (!(error instanceof EtlError)) this.log.error({ taskRunId: claimed.taskRunId, traceId, err: error }, 'step threw what the error table does not know');
      else if (error.code === 'platform.internal') this.log.error({ taskRunId: claimed.taskRunId, traceId, said: withoutValues(error.cause) }, 'an engine said what the error table does not know');
      const isDropped = staysUnused(error) && await this.dropStaging(claimed.taskRunId, () => context.cleanUp());
      return { outcome: outcomeOf(error, traceId), keepsStaging: !isDropped };
    }
  }

  /** What cannot be dropped now does not change why the attempt ended; it is dropped later. */
  private async dropStaging(taskRunId: string, cleanUp: () => Promise<void>): Promise<boolean> {
    try {
      await cleanUp();
      return true;
    } catch (err) {
      this.log.warn({ taskRunId, err }, 'staging could not be dropped yet');
      return false;
    }
  }

  /** Repeats until the state database has answered: work that was done is not thrown away because it could not be said at once. */
  private async report(held: HeldTask, ending: Ending<Heard>): Promise<boolean> {
    for (;;) {
      try {
        return await this.leases.report(held.claimed, ending);
      } catch (error) {
        if (!(error instanceof EtlError) || error.code !== 'platform.unavailable') {
          this.log.error({ taskRunId: held.claimed.taskRunId, err: error }, 'outcome could not be written');
          if (ending.outcome.state === 'failed') return false;
          return this.report(held, { ...ending, outcome: { state: 'failed', failure: failureOf(error) } });
        }
        await sleep(REPORT_RETRY_MS);
      }
    }
  }
}

/** What an engine said, without what stands in quotes there: rows of users are no part of a log. */
const withoutValues = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).replaceAll(/(['"])(?:(?!\1).)*\1/gs, '$1…$1').slice(0, 500);
const withoutCell = ({ code, text }: Failure): Pick<Failure, 'code' | 'text'> => ({ code, text });
function failureOf(error: unknown): Failure {
  const outcome = outcomeOf(error);
  return outcome.state === 'failed' ? outcome.failure : { code: 'platform.internal', text: 'The outcome could not be written.', next: null, traceId: null };
}
