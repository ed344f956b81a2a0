import { z } from 'zod';
import { Failure } from './failure.ts';
import { Count, Instant, PlanId, RunId } from './ids.ts';
import { Schedule } from './pipeline.ts';

export const slotOutcomes = ['started', 'skipped', 'failed'] as const;
export const SlotView = z.object({
  slot: Instant.describe('When it was due.'),
  outcome: z.enum(slotOutcomes).describe('started: it has a run; skipped: the target was still being written; failed: its plan cannot run any more.'),
  runId: RunId.nullable().describe('Its run; of a skipped slot the run that it made way for.'),
  missed: Count.describe('Slots before it that nobody ran, because nothing was up; 1000 stands for that many or more.'),
  failure: Failure.nullable().describe('Why it has no run.'),
  decidedAt: Instant.describe('When that was decided.'),
}).meta({ id: 'SlotView', description: 'What became of one slot of a schedule.' });
export type SlotView = z.infer<typeof SlotView>;

export const ScheduleView = Schedule.extend({
  planId: PlanId.describe('Plan that each slot runs.'),
  nextAt: Instant.nullable().describe('Next slot; null while it is paused, or when there is none.'),
  pausedAt: Instant.nullable().describe('Since when it is paused, or null.'), pausedBy: z.string().nullable().describe('Who paused it, or null.'),
  lastSlot: SlotView.nullable().describe('Latest slot, or null before the first.'),
}).meta({ id: 'ScheduleView', description: 'The deployed schedule of a pipeline.' });
export type ScheduleView = z.infer<typeof ScheduleView>;
