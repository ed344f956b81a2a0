import { LiveFrame } from '@agent-etl/contracts';

export type LinkState = 'connecting' | 'live' | 'reconnecting' | 'offline';
type Handle = (event: unknown) => void;
const SILENCE_MS = 25_000;
const LONGEST_WAIT_MS = 30_000;

/** One socket per tab. It comes back by the last number it saw; a gap that cannot be closed is told to `onReset`. */
export class LiveFeed {
  readonly #handlers = new Map<string, Set<Handle>>();
  readonly #watchers = new Set<() => void>();
  readonly #resets = new Set<() => void>();
  #socket: WebSocket | undefined;
  #state: LinkState = 'connecting';
  #seq: number | undefined;
  #tries = 0;
  #retry = 0;
  #silence = 0;
  constructor(private readonly url: string) {
    addEventListener('online', () => { this.#open(); });
    addEventListener('offline', () => { this.#socket?.close(); this.#set('offline'); });
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.#open(); });
    this.#open();
  }
  state = (): LinkState => this.#state;
  watch = (changed: () => void): (() => void) => { this.#watchers.add(changed); return () => { this.#watchers.delete(changed); }; };
  onReset(refetch: () => void): () => void { this.#resets.add(refetch); return () => { this.#resets.delete(refetch); }; }
  on(topic: string, handle: Handle): () => void {
    const handlers = this.#handlers.get(topic) ?? new Set<Handle>();
    this.#handlers.set(topic, handlers.add(handle));
    this.#subscribe();
    return () => { handlers.delete(handle); };
  }

  #open(): void {
    if (!navigator.onLine) { this.#set('offline'); return; }
    if (this.#socket && this.#socket.readyState < WebSocket.CLOSING) return;
    clearTimeout(this.#retry);
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.onopen = () => { this.#subscribe(); };
    socket.onmessage = ({ data }) => { this.#take(String(data)); };
    socket.onclose = () => { if (socket === this.#socket) this.#comeBack(); };
  }
  #comeBack(): void {
    clearTimeout(this.#silence);
    if (!navigator.onLine) { this.#set('offline'); return; }
    this.#set('reconnecting');
    const longest = Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.#tries++);
    this.#retry = window.setTimeout(() => { this.#open(); }, longest * (0.5 + Math.random() / 2));
  }
  #subscribe(): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ subscribe: [...this.#handlers.keys()], ...(this.#seq === undefined ? {} : { after: this.#seq }) }));
  }
  #take(text: string): void {
    const frame = LiveFrame.parse(JSON.parse(text));
    this.#tries = 0;
    this.#set('live');
    clearTimeout(this.#silence);
    this.#silence = window.setTimeout(() => { this.#socket?.close(); }, SILENCE_MS);
    if (frame.topic === 'reset') { this.#seq = frame.seq; for (const refetch of this.#resets) refetch(); return; }
    const first = this.#seq === undefined;
    this.#seq = Math.max(this.#seq ?? 0, frame.seq);
    // What was fetched before this socket counted may be older than its first number.
    if (first) for (const refetch of this.#resets) refetch();
    for (const handle of this.#handlers.get(frame.topic) ?? []) handle(frame.event);
  }
  #set(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const changed of this.#watchers) changed();
  }
}
