import type { Schedule } from '@agent-etl/contracts';
import { slotsOf } from './cron.ts';

/** Slots counted one by one; of more it is only known that there were more. */
const MOST_COUNTED = 1_000;

/** A slot that is to be run now.
 * @property missed slots before it that nobody ran, at most 1,000
 * @property next the slot after it that lies ahead, or null */
export interface Due { readonly slot: string; readonly missed: number; readonly next: string | null }

/** The first slot after an instant; null when there is none. */
export const nextSlot = (schedule: Schedule, after: string): string | null => slotsOf(schedule).after(after);

/** Of all slots from `from` until now the latest: a run reads its source as it is, so the ones before it would only do the same again. Null when none has come.
 * Instants are texts in UTC with milliseconds and compare as such.
 * @param from the first slot that has not been dealt with */
export function dueSlot(schedule: Schedule, { from, now }: { from: string; now: string }): Due | null {
  if (from > now) return null;
  const slots = slotsOf(schedule);
  let [slot, missed] = [from, 0];
  for (let next = slots.after(slot); ; next = slots.after(slot)) {
    if (next === null || next > now) return { slot, missed, next };
    if (missed === MOST_COUNTED) return { ...latest(slots, { slot, now }), missed };
    [slot, missed] = [next, missed + 1];
  }
}

function latest(slots: ReturnType<typeof slotsOf>, { slot, now }: { slot: string; now: string }): { slot: string; next: string | null } {
  const before = slots.before(now) ?? slot;
  const next = slots.after(before);
  return next !== null && next <= now ? { slot: next, next: slots.after(next) } : { slot: before, next };
}
