import { expect, it } from '@jest/globals';
import type { BackfillView } from '@agent-etl/contracts';
import { plain } from './ansi.ts';
import { backfillLine, backfillScreen, sliceLine } from './backfill-screen.ts';

type Slice = BackfillView['slices'][number];
const slice = (day: number, more: Partial<Slice> = {}): Slice => ({ from: `2026-03-0${day}T00:00:00.000Z`, to: `2026-03-0${day + 1}T00:00:00.000Z`, state: 'succeeded', runId: null, read: 1000, changed: 10, extra: 0, failure: null, ...more });
const view = (state: BackfillView['state'], slices: Slice[]): BackfillView => ({
  backfillId: 'b', pipeline: 'orders' as BackfillView['pipeline'], planId: 'p' as BackfillView['planId'], column: 'updated_at', from: slices[0]!.from, to: slices.at(-1)!.to, step: slices.length > 1 ? '1d' : null, state,
  decisions: [{ question: 'publish', choice: 'upsert by id', by: 'rules', reason: { code: 'c', text: 't' }, rejected: [{ choice: 'x', because: 'y' }] }], slices, askedBy: 'me', createdAt: slices[0]!.from, finishedAt: null });

it('says what was read again, and what the target has more', () => {
  expect(backfillScreen(view('succeeded', [slice(1), slice(2, { extra: 3 })]), plain)).toEqual([
    ' proof   every row of updated_at in [2026-03-01, 2026-03-03) is in the target as the source has it: 2,000 rows, 20 written; the target has 3 more there: deleted at the source, or changed since', '',
    ' green orders: 2 slices were read again; its position stays']);
});
it('names what was not read', () => {
  const lines = backfillScreen(view('failed', [slice(1), slice(2, { state: 'failed', read: null, changed: null, extra: null }), slice(3, { state: 'waiting', read: null, changed: null, extra: null })]), plain);
  expect(lines.slice(-2)).toEqual([' failed orders: 1 of 3 slices were read again', ' next    agent-etl backfill orders --from 2026-03-02 --to 2026-03-04 --step 1d']);
});
it('says how it goes', () => {
  expect(backfillLine(view('running', [slice(1), slice(2)]))).toBe(' slice   updated_at in [2026-03-01, 2026-03-03) as 2 runs of 1d   upsert by id');
  expect(sliceLine(slice(1, { from: '2026-03-01T06:30:00.000Z' }))).toBe(' green   [2026-03-01T06:30Z, 2026-03-02)   1,000 rows, 10 written');
});
