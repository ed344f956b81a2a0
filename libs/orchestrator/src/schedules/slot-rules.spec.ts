import { describe, expect, it } from '@jest/globals';
import { PlanId } from '@agent-etl/contracts';
import type { DueSchedule } from './schedule-record.ts';
import { firstSlot, lastDue, makeWay } from './slot-rules.ts';

const now = '2026-12-01T12:00:00.000Z';
const nightly = { cron: '15 1 * * *', timezone: 'UTC' };
const tomorrow = '2026-12-02T01:15:00.000Z';

describe('the first slot of a deployed schedule', () => {
  const due = '2026-12-01T01:15:00.000Z';
  it.each([
    ['is the next one', null, tomorrow],
    ['stays where it was when the schedule says the same', { ...nightly, nextAt: due, pausedAt: null }, due],
    ['is a new one with another cron', { cron: '0 0 * * *', timezone: 'UTC', nextAt: due, pausedAt: null }, tomorrow],
    ['is a new one in another zone', { ...nightly, timezone: 'Europe/Lisbon', nextAt: due, pausedAt: null }, tomorrow],
    ['is none while it is paused', { ...nightly, nextAt: null, pausedAt: now }, null],
    ['is the next one where there was none any more', { ...nightly, nextAt: null, pausedAt: null }, tomorrow],
  ])('%s', (_, before, expected) => { expect(firstSlot(nightly, { before, now })).toBe(expected); });
});
describe('a slot that is given up', () => {
  const row = (more: Partial<DueSchedule>): DueSchedule => ({ pipelineId: 'p', pipeline: 'orders', planId: PlanId.parse('a'.repeat(64)), ...nightly, nextAt: '2026-11-30T01:15:00.000Z', pausedAt: null, pausedBy: null, tries: 2, ...more });
  it('is the latest one, and the next is known', () => { expect(lastDue(row({}), now)).toEqual({ slot: '2026-12-01T01:15:00.000Z', missed: 1, next: tomorrow }); });
  it('is the one at hand where nobody can tell the next', () => { expect(lastDue(row({ timezone: 'Mars/Base' }), now)).toEqual({ slot: '2026-11-30T01:15:00.000Z', missed: 0, next: null }); });
});
it('names the run that a slot makes way for', () => {
  expect(makeWay({ runId: 'r', pipeline: 'orders', state: 'running' })).toMatchObject({ outcome: 'skipped', runId: 'r', failure: { code: 'request.conflict', text: 'run r of orders is running; another run into its target is not possible.' } });
});
