import { type LiveFrame, LiveSubscribe } from '@agent-etl/contracts';
import type { WebSocket } from 'ws';
import { type FeedEvent, framesFor, isLiveTopic } from './live-rules.ts';

/** Bytes that may wait in one socket; a client that reads slower is closed and comes back by its number. */
const BACKLOG_BYTES = 4 * 1024 * 1024;
export const closeCodes = { malformed: 1007, tooSlow: 1013, forbidden: 4403 } as const;

/** One browser or script on the live feed. It gets each event once, in order, however it was woken. */
export class LiveClient {
  #topics: ReadonlySet<string> = new Set();
  #seq = 0;
  #started = false;
  constructor(private readonly socket: WebSocket, readonly tenantId: string) {}

  get isOpen(): boolean { return this.socket.readyState === this.socket.OPEN; }
  get seq(): number { return this.#seq; }

  /** Reads a subscription, or closes the socket with the reason. */
  read(text: string): LiveSubscribe | null {
    const parsed = LiveSubscribe.safeParse(parseJson(text));
    if (!parsed.success) { this.socket.close(closeCodes.malformed, 'say { subscribe: [...], after: seq }'); return null; }
    const unknown = parsed.data.subscribe.find((topic) => !isLiveTopic(topic));
    if (unknown !== undefined) { this.socket.close(closeCodes.forbidden, 'unknown topic'); return null; }
    this.#topics = new Set(parsed.data.subscribe);
    return parsed.data;
  }
  /** Where a new client goes on. One that changes its topics stays where it is: what it has seen does not come again, what waits is not skipped. */
  startAt(seq: number): void {
    if (!this.#started) this.#seq = seq;
    this.#started = true;
  }

  take(events: readonly FeedEvent[]): void {
    for (const event of events) {
      if (event.seq <= this.#seq) continue;
      this.#seq = event.seq;
      for (const frame of framesFor(this.#topics, event)) this.#send(frame);
    }
  }
  /** A frame that belongs to no event: throughput now, heartbeat, reset. */
  tell(topic: string, event: unknown = null): void {
    if (topic === 'heartbeat' || topic === 'reset' || this.#topics.has(topic)) this.#send({ seq: this.#seq, topic, event });
  }
  #send(frame: LiveFrame): void {
    if (!this.isOpen) return;
    if (this.socket.bufferedAmount > BACKLOG_BYTES) { this.socket.close(closeCodes.tooSlow, 'reads too slowly'); return; }
    this.socket.send(JSON.stringify(frame));
  }
}
function parseJson(text: string): unknown {
  try { return JSON.parse(text); } catch { return null; } // null is no subscription: the caller closes with the reason
}
