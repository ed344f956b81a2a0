import type { BackfillView } from '@agent-etl/contracts';
import type { Paint } from './ansi.ts';
import { grouped } from './numbers.ts';

type Slice = BackfillView['slices'][number];
/** An instant as short as it can be said: a midnight is its day. */
const short = (instant: string): string => instant.replace(/T00:00:00\.000Z$/, '').replace(/:00\.000Z$/, 'Z').replace('.000Z', 'Z');
const rangeOf = ({ from, to }: Pick<Slice, 'from' | 'to'>): string => `[${short(from)}, ${short(to)})`;
const extraText = (extra: number | null): string => (extra ? `; the target has ${grouped(extra)} more there: deleted at the source, or changed since` : '');

export const backfillLine = (view: BackfillView): string => ` slice   ${view.column} in ${rangeOf(view)}${view.slices.length > 1 ? ` as ${view.slices.length} runs of ${view.step ?? ''}` : ''}   ${view.decisions.map(({ choice }) => choice).join(', ')}`;
export const sliceLine = (slice: Slice): string => ` ${slice.state === 'succeeded' ? 'green' : slice.state.padEnd(5)}   ${rangeOf(slice)}   ${slice.read === null ? '' : `${grouped(slice.read)} rows`}${slice.changed === null ? '' : `, ${grouped(slice.changed)} written`}${extraText(slice.extra)}`;

const sum = (slices: readonly Slice[], of: (slice: Slice) => number | null): number => slices.reduce((total, slice) => total + (of(slice) ?? 0), 0);
/** How a backfill ended, in a sentence; what was not read is named, so that it can be asked for again. */
export function backfillScreen(view: BackfillView, paint: Paint): string[] {
  const { slices, state, pipeline } = view;
  const done = slices.filter((slice) => slice.state === 'succeeded');
  const [read, changed, extra] = [sum(done, (slice) => slice.read), sum(done, (slice) => slice.changed), sum(done, (slice) => slice.extra)];
  const proved = done.length ? [` proof   every row of ${view.column} in ${rangeOf({ from: done[0]!.from, to: done.at(-1)!.to })} is in the target as the source has it: ${grouped(read)} rows, ${grouped(changed)} written${extraText(extra)}`] : [];
  if (state === 'succeeded') return [...proved, '', ` ${paint('green', 'green')} ${pipeline}: ${slices.length === 1 ? 'the slice was' : `${slices.length} slices were`} read again; its position stays`];
  const left = slices.find((slice) => slice.state !== 'succeeded');
  const next = left ? [` next    agent-etl backfill ${pipeline} --from ${short(left.from)} --to ${short(view.to)}${view.step ? ` --step ${view.step}` : ''}`] : [];
  if (state === 'waiting' || state === 'running') return [backfillLine(view), ` ${state}`];
  return [...proved, '', ` ${paint(state === 'cancelled' ? 'yellow' : 'red', state)} ${pipeline}: ${done.length} of ${slices.length} slices were read again`, ...next];
}
