import { expect, it } from '@jest/globals';
import type { PipelineView, ScheduleView, SlotView } from '@agent-etl/contracts';
import { latestOf, nextOf, scheduledOf, toneOfSlot } from './schedule-words.ts';

const schedule = (more: Partial<ScheduleView>): ScheduleView => ({ cron: '15 1 * * *', planId: 'p' as ScheduleView['planId'], nextAt: null, pausedAt: null, pausedBy: null, lastSlot: null, ...more });
const slot = (more: Partial<SlotView>): SlotView => ({ slot: '2026-01-01T01:15:00.000Z', outcome: 'started', runId: null, missed: 0, failure: null, decidedAt: '2026-01-01T01:15:01.000Z', ...more });
const pipeline = (name: string, of: ScheduleView | null) => ({ name, schedule: of }) as PipelineView;
const at = (instant: string): string => instant.slice(11, 16);

it('lists what is due next first', () => {
  const found = scheduledOf([pipeline('never', schedule({})), pipeline('late', schedule({ nextAt: '2026-01-02T00:00:00.000Z' })), pipeline('none', null), pipeline('soon', schedule({ nextAt: '2026-01-01T00:00:00.000Z' }))]);
  expect(found.map(({ name }) => name)).toEqual(['soon', 'late', 'never']);
});
it.each([[{ nextAt: '2026-01-02T01:15:00.000Z' }, '01:15'], [{ pausedBy: 'ops' }, 'paused by ops'], [{}, 'never']])('says when the next slot is: %j', (more, text) => { expect(nextOf(schedule(more), at)).toBe(text); });
it.each([[{}, 'started 01:15', 'ok'], [{ outcome: 'skipped', missed: 3 }, 'skipped 01:15, 3 missed before it', 'idle'], [{ outcome: 'failed' }, 'failed 01:15', 'bad']] as const)('says what became of the latest: %j', (more, text, tone) => { expect([latestOf(slot(more), at), toneOfSlot(slot(more))]).toEqual([text, tone]); });
