import type { LiveFrame } from '@agent-etl/contracts';

/** A stored event with the topics it belongs to. */
export interface FeedEvent { readonly seq: number; readonly topics: readonly string[]; readonly event: unknown }
/** Most frames that a returning client gets one by one; more than that is told to fetch again. */
export const REPLAY_LIMIT = 5_000;

/** The frames a client gets of one event: one per subscribed topic it belongs to, all with the event's number. */
export const framesFor = (subscribed: ReadonlySet<string>, { seq, topics, event }: FeedEvent): LiveFrame[] =>
  topics.filter((topic) => subscribed.has(topic)).map((topic) => ({ seq, topic, event }));

/** What a client that saw `after` gets first: the missing events, or a reset when they are gone or too many.
 * @param oldest smallest number still stored, null when nothing is
 * @param latest largest number given out so far */
export function resumePlan(after: number | undefined, oldest: number | null, latest: number): 'nothing' | 'replay' | 'reset' {
  if (after === undefined || after === latest) return 'nothing';
  if (after > latest || oldest === null || after < oldest - 1 || latest - after > REPLAY_LIMIT) return 'reset';
  return 'replay';
}
const KNOWN = /^(runs|throughput|run:[0-9a-f-]{36}|pipeline:[a-z][a-z0-9_]{0,47})$/;
export const isLiveTopic = (topic: string): boolean => KNOWN.test(topic);
