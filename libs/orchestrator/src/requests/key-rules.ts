import { later } from '../runs/instant-rules.ts';

/** How long an Idempotency-Key stands for what it was first sent with. An id that a body names stands for its request for ever. */
const KEY_MS = 24 * 3_600_000;

/** What was first asked before this instant has no claim to its key any more. */
export const keysEndBefore = (now: string): string => later(now, -KEY_MS);
export const isKeyFresh = (firstAsked: string, now: string): boolean => firstAsked >= keysEndBefore(now);
