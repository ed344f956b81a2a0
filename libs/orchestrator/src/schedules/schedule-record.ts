import type { Failure, ScheduleView, SlotView } from '@agent-etl/contracts';

/** The deployed schedule of a pipeline. `nextAt`: the first slot that has not been dealt with; null while it is paused, or when there is none any more. */
export interface ScheduleRecord {
  readonly pipelineId: string; readonly planId: ScheduleView['planId']; readonly cron: string; readonly timezone: string;
  readonly nextAt: string | null; readonly pausedAt: string | null; readonly pausedBy: string | null;
  /** How often dealing with the slot at `nextAt` has failed. */
  readonly tries: number;
}
export type DueSchedule = ScheduleRecord & { readonly pipeline: string; readonly nextAt: string };
/** What becomes of a slot. A skipped one names the run that it makes way for, if it was known before. */
export interface SlotDecision { readonly outcome: SlotView['outcome']; readonly runId: string | null; readonly failure: Failure | null }
/** The run that writes a target now. */
export interface LiveRun { readonly runId: string; readonly pipeline: string; readonly state: string }
