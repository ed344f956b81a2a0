import { expect, it } from '@jest/globals';
import type { PipelineView, ScheduleView, SlotView } from '@agent-etl/contracts';
import { pipelinesScreen } from './list-screens.ts';

const now = '2026-12-01T00:00:00.000Z';
const schedule = (changes: Partial<ScheduleView>): ScheduleView =>
  ({ cron: '15 1 * * *', timezone: 'Europe/Lisbon', planId: 'p' as ScheduleView['planId'], nextAt: '2026-12-01T01:15:00.000Z', pausedAt: null, pausedBy: null, lastSlot: null, ...changes });
const slot = (changes: Partial<SlotView>): SlotView => ({ slot: '2026-11-30T01:15:00.000Z', outcome: 'started', runId: null, missed: 0, failure: null, decidedAt: now, ...changes });
const failure = { code: 'plan.stale', text: 'The source changed since it was profiled. Plan again.', next: null, traceId: null } as const;
const screen = (name: string, of: ScheduleView | null): string[] => pipelinesScreen([
  { name, spec: { from: { connection: 'ops', dataset: 'a' }, to: { connection: 'dwh', dataset: 'b' } }, lastState: null, planId: null, schedule: of } as unknown as PipelineView], Date.parse(now));

it.each<[string, ScheduleView, string[]]>([
  ['one that has not come yet', schedule({}), [' orders    15 1 * * * Europe/Lisbon  in 1 h  none yet']],
  ['one that was run', schedule({ lastSlot: slot({}) }), [' orders    15 1 * * * Europe/Lisbon  in 1 h  started 22 h ago']],
  ['one that is paused', schedule({ nextAt: null, pausedAt: now, pausedBy: 'ana' }), [' orders    15 1 * * * Europe/Lisbon  paused by ana  none yet']],
  ['what was missed', schedule({ lastSlot: slot({ missed: 3 }) }), [' orders    15 1 * * * Europe/Lisbon  in 1 h  started 22 h ago, 3 missed before it']],
  ['more than was counted', schedule({ lastSlot: slot({ missed: 1000 }) }), [' orders    15 1 * * * Europe/Lisbon  in 1 h  started 22 h ago, 1,000 or more missed before it']],
  ['why there is no run', schedule({ lastSlot: slot({ outcome: 'failed', failure }) }),
    [' orders    15 1 * * * Europe/Lisbon  in 1 h  failed 22 h ago', ' orders failed: The source changed since it was profiled. Plan again.']],
])('the list of pipelines shows a schedule: %s', (_, of, lines) => { expect(screen('orders', of).slice(4)).toEqual(lines); });
it('says nothing of schedules where there are none', () => { expect(screen('orders', null)).toHaveLength(2); });
