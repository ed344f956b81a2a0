import { EtlError, type Failure, type Schedule, toFailure } from '@agent-etl/contracts';
import { type Due, dueSlot, nextSlot } from '@agent-etl/scheduling';
import type { DueSchedule, LiveRun, ScheduleRecord, SlotDecision } from './schedule-record.ts';

type Deployed = Pick<ScheduleRecord, 'cron' | 'timezone' | 'nextAt' | 'pausedAt'>;
/** A slot whose turn failed for a reason that may pass is tried again; after that many times it is given up, so that the next one has its turn. */
export const MOST_TRIES = 3;

/** The first slot of a newly deployed schedule. One that says the same as before goes on where it was: a slot that is due meanwhile is not lost. A paused one stays paused. */
export function firstSlot(schedule: Required<Schedule>, { before, now }: { before: Deployed | null; now: string }): string | null {
  if (before?.pausedAt) return null;
  const isSame = before?.cron === schedule.cron && before.timezone === schedule.timezone;
  return isSame && before.nextAt !== null ? before.nextAt : nextSlot(schedule, now);
}
/** The slot that is given up. Where not even the next one can be told, there is none: the schedule stands still until another plan is approved. */
export function lastDue(row: DueSchedule, now: string): Due {
  const alone = { slot: row.nextAt, missed: 0, next: null };
  try { return dueSlot(row, { from: row.nextAt, now }) ?? alone; } catch { return alone; }
}
/** A slot makes way for the run that still writes its target, be it of the slot before, of a person or of another pipeline. */
export function makeWay({ runId, pipeline, state }: LiveRun): SlotDecision {
  const failure = toFailure(new EtlError('request.conflict', { what: `run ${runId} of ${pipeline}`, state, action: 'another run into its target', next: 'nothing: the next slot runs; a rhythm that is too fast leaves out slots' }));
  return { outcome: 'skipped', runId, failure };
}
export const started = (runId: string): SlotDecision => ({ outcome: 'started', runId, failure: null });
export const failed = (failure: Failure): SlotDecision => ({ outcome: 'failed', runId: null, failure });
