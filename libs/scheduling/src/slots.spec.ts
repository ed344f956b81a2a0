import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { dueSlot, nextSlot } from './slots.ts';

const short = (instant: string | null): string => instant?.replace(/:00\.000Z$/, '') ?? 'never';
function slots(cron: string, timezone: string | undefined, { from, count }: { from: string; count: number }): string[] {
  const found: string[] = [];
  for (let at = `${from}:00.000Z`; found.length < count;) {
    const next = nextSlot({ cron, ...(timezone ? { timezone } : {}) }, at);
    found.push(short(next));
    if (next === null) break;
    at = next;
  }
  return found;
}
type Row = readonly [what: string, cron: string, zone: string | undefined, from: string, slots: readonly string[]];
const expectSlots = (_: string, cron: string, zone: string | undefined, from: string, expected: readonly string[]): void => {
  expect(slots(cron, zone, { from, count: expected.length })).toEqual(expected);
};

describe('the slots of a schedule', () => {
  it.each<Row>([
    ['are UTC when no zone is named', '15 1 * * *', undefined, '2026-07-01T00:00', ['2026-07-01T01:15', '2026-07-02T01:15']],
    ['come after an instant, never at it', '15 1 * * *', undefined, '2026-07-01T01:15', ['2026-07-02T01:15']],
    ['are an hour earlier in a Lisbon summer', '30 1 * * *', 'Europe/Lisbon', '2026-07-01T00:20', ['2026-07-01T00:30', '2026-07-02T00:30']],
    ['know a zone with half an hour and no summer', '15 1 * * *', 'Asia/Kolkata', '2026-03-29T00:00', ['2026-03-29T19:45', '2026-03-30T19:45']],
    ['are four years apart on the 29th of February', '0 0 29 2 *', undefined, '2026-01-01T00:00', ['2028-02-29T00:00', '2032-02-29T00:00']],
    ['leave out a year that looks like a leap year', '0 0 29 2 *', undefined, '2096-03-01T00:00', ['2104-02-29T00:00']],
    ['leave out months without a 31st', '0 0 31 * *', undefined, '2026-02-01T00:00', ['2026-03-31T00:00', '2026-05-31T00:00']],
    ['are either of two when day and weekday are given', '0 6 1 * MON', undefined, '2026-06-01T06:00', ['2026-06-08T06:00', '2026-06-15T06:00', '2026-06-22T06:00', '2026-06-29T06:00', '2026-07-01T06:00']],
    ['never come on the 31st of February', '0 0 31 2 *', undefined, '2026-01-01T00:00', ['never']],
  ])('%s', expectSlots);
});
describe('when the clock is put forward, a time in the gap is due once, right after it', () => {
  it.each<Row>([
    ['Lisbon, 01:00 to 02:00', '30 1 * * *', 'Europe/Lisbon', '2026-03-28T02:00', ['2026-03-29T01:00', '2026-03-30T00:30']],
    ['New York, 02:00 to 03:00', '30 2 * * *', 'America/New_York', '2026-03-07T12:00', ['2026-03-08T07:00', '2026-03-09T06:30']],
    ['Lord Howe, 02:00 to 02:30', '15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00', ['2026-10-03T15:30', '2026-10-04T15:15']],
    ['two times in one gap are one slot', '0,30 1 * * *', 'Europe/Lisbon', '2026-03-28T02:00', ['2026-03-29T01:00', '2026-03-30T00:00', '2026-03-30T00:30']],
    ['the first minute after the gap stays its own', '30 1,2 * * *', 'Europe/Lisbon', '2026-03-28T12:00', ['2026-03-29T01:00', '2026-03-29T01:30', '2026-03-30T00:30']],
    ['a rhythm goes on without a break', '*/30 * * * *', 'Europe/Lisbon', '2026-03-29T00:00', ['2026-03-29T00:30', '2026-03-29T01:00', '2026-03-29T01:30']],
    ['a rhythm inside the gap has no slot that day', '*/30 1 * * *', 'Europe/Lisbon', '2026-03-28T02:00', ['2026-03-30T00:00', '2026-03-30T00:30']],
  ])('%s', expectSlots);
});
describe('when the clock is put back, a time that comes twice is due the first time only', () => {
  it.each<Row>([
    ['Lisbon, 02:00 to 01:00', '30 1 * * *', 'Europe/Lisbon', '2026-10-24T12:00', ['2026-10-25T00:30', '2026-10-26T01:30']],
    ['also for who asks between the two', '30 1 * * *', 'Europe/Lisbon', '2026-10-25T01:10', ['2026-10-26T01:30']],
    ['New York, 02:00 to 01:00', '30 1 * * *', 'America/New_York', '2026-10-31T12:00', ['2026-11-01T05:30', '2026-11-02T06:30']],
    ['Lord Howe, 02:00 to 01:30', '45 1 * * *', 'Australia/Lord_Howe', '2026-04-03T20:00', ['2026-04-04T14:45', '2026-04-05T15:15']],
    ['a list', '0,30 1 * * *', 'Europe/Lisbon', '2026-10-24T12:00', ['2026-10-25T00:00', '2026-10-25T00:30', '2026-10-26T01:00']],
    ['an hourly rhythm has both hours', '0 * * * *', 'Europe/Lisbon', '2026-10-24T23:30', ['2026-10-25T00:00', '2026-10-25T01:00', '2026-10-25T02:00']],
    ['a rhythm through half an hour', '*/15 * * * *', 'Australia/Lord_Howe', '2026-04-04T14:45', ['2026-04-04T15:00', '2026-04-04T15:15', '2026-04-04T15:30']],
  ])('%s', expectSlots);
});
it('has one slot a day for a time of day, whatever its zone does with the clock', () => {
  const zone = fc.constantFrom('Europe/Lisbon', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Africa/Cairo', 'America/Santiago');
  fc.assert(fc.property(zone, fc.nat(59), fc.nat(23), (timezone, minute, hour) => {
    const found = slots(`${minute} ${hour} * * *`, timezone, { from: '2025-12-31T12:00', count: 365 });
    const day = new Intl.DateTimeFormat('en-CA', { timeZone: timezone, dateStyle: 'short' });
    const days = found.map((slot) => day.format(new Date(`${slot}:00Z`)));
    expect(new Set(days).size).toBe(365);
    expect(found.every((slot, index) => index === 0 || slot > found[index - 1]!)).toBe(true);
  }), { numRuns: 12 });
});

describe('the slot that is due', () => {
  const due = (cron: string, from: string, now: string): unknown => {
    const found = dueSlot({ cron, timezone: 'Europe/Lisbon' }, { from: `${from}:00.000Z`, now });
    return found && [short(found.slot), found.missed, short(found.next)];
  };
  it.each([
    ['is none before its time', '15 1 * * *', '2026-12-01T01:15', '2026-12-01T01:14:59.999Z', null],
    ['is the one of this very instant', '15 1 * * *', '2026-12-01T01:15', '2026-12-01T01:15:00.000Z', ['2026-12-01T01:15', 0, '2026-12-02T01:15']],
    ['is the one that has just come', '15 1 * * *', '2026-12-01T01:15', '2026-12-01T01:15:00.004Z', ['2026-12-01T01:15', 0, '2026-12-02T01:15']],
    ['is the latest after three days without anybody, two are missed', '15 1 * * *', '2026-12-01T01:15', '2026-12-03T23:00:00.000Z', ['2026-12-03T01:15', 2, '2026-12-04T01:15']],
    ['is counted through the gap', '30 1 * * *', '2026-03-28T01:30', '2026-03-30T12:00:00.000Z', ['2026-03-30T00:30', 2, '2026-03-31T00:30']],
    ['is the latest of more than can be counted', '* * * * *', '2026-01-01T00:00', '2026-12-01T12:34:56.789Z', ['2026-12-01T12:34', 1000, '2026-12-01T12:35']],
    ['is the one of this very instant also then', '* * * * *', '2026-01-01T00:00', '2026-12-01T12:34:00.000Z', ['2026-12-01T12:34', 1000, '2026-12-01T12:35']],
  ])('%s', (_, cron, from, now, expected) => { expect(due(cron, from, now)).toEqual(expected); });
  it('is alone on its day for years', () => {
    expect(dueSlot({ cron: '0 0 29 2 *' }, { from: '2028-02-29T00:00:00.000Z', now: '2028-03-01T00:00:00.000Z' })).toEqual({ slot: '2028-02-29T00:00:00.000Z', missed: 0, next: '2032-02-29T00:00:00.000Z' });
  });
});
