import type { ErrorCode } from '@agent-etl/contracts';

export const MOST_TRIES = 5;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;

/** Full jitter: any pause up to a bound that doubles with each try.
 * @param tries failures so far, at least 1
 * @param random a number in [0, 1) */
export const pauseMs = (tries: number, random: number): number => Math.floor(random * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries));

/** What becomes of a message whose handler failed: the state database being away says nothing about the message. */
export function afterFailure(code: ErrorCode, tries: number): 'redeliver' | 'again' | 'dead' {
  if (code === 'platform.unavailable') return 'redeliver';
  if (code === 'message.malformed' || code === 'message.unsupported') return 'dead';
  return tries >= MOST_TRIES ? 'dead' : 'again';
}
