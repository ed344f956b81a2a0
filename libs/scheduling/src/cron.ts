import type { Schedule } from '@agent-etl/contracts';
import { Cron } from 'croner';

/** Instants at which a schedule is due, as texts in UTC. The only place that knows the cron library. */
export interface Slots {
  /** The first slot after an instant, null when there is none. */
  after(instant: string): string | null;
  /** The last slot before an instant. */
  before(instant: string): string | null;
}

/** A time of day (minute and hour without `*` and step) that the clock leaves out when it is put forward is due right after the gap; one that comes twice when it is put
 * back is due the first time only. A rhythm follows real time: it has no slots in a gap and goes on through both passes of an hour. So does the cron of Debian.
 * @throws TypeError when the text is no cron or the zone is unknown */
export function slotsOf({ cron, timezone = 'UTC' }: Schedule): Slots {
  const known = new Cron(cron, { mode: '5-part', timezone, paused: true, fixedTimeRule: 'no-wildcard' });
  return {
    after: (instant) => known.nextRun(instant)?.toISOString() ?? null,
    before: (instant) => known.previousRuns(1, instant)[0]?.toISOString() ?? null,
  };
}
