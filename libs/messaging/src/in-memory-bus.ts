import { setTimeout as sleep } from 'node:timers/promises';
import type { Closable, MessageBus, OnMessage, WireMessage } from './message-bus.ts';

interface Group { readonly topics: ReadonlySet<string>; readonly onMessage: OnMessage; readonly lanes: Map<string, Promise<void>>; closing: boolean }
export interface InMemoryOptions {
  /** Share of messages that come twice, 0 to 1: a real broker does it too. */
  readonly repeat?: number;
  /** Seed of those repeats. */
  readonly seed?: number;
  /** Longest pause before a rejected message comes again. */
  readonly longestPauseMs?: number;
}

const LONGEST_REPEAT_MS = 40;

/** A bus inside one process, as harsh as a broker: bytes, order per key only, repeats, redelivery until a group takes a message.
 * A publish resolves when every group has handled the messages, so that an outbox row is marked sent only after its effects. */
export class InMemoryBus implements MessageBus {
  readonly #groups = new Map<string, Group[]>();
  readonly #expected = new Map<string, ReadonlySet<string>>();
  /** Offsets identify messages in tables that outlive this process: each process counts on from its start. */
  #offset = BigInt(Date.now()) * 1_000_000n;
  readonly #options: Required<InMemoryOptions>;
  #random: number;
  #closed = false;
  constructor(options: InMemoryOptions = {}) {
    this.#options = { repeat: 0, seed: 1, longestPauseMs: 1_000, ...options };
    this.#random = this.#options.seed;
  }

  async publish(messages: readonly WireMessage[]): Promise<void> {
    if (this.#closed) throw new Error('the bus is closed');
    for (const [group, topics] of this.#expected) {
      if (messages.some(({ topic }) => topics.has(topic)) && !this.#groups.get(group)?.some(({ closing }) => !closing)) throw new Error(`${group} is not reading`);
    }
    await Promise.all(messages.map((message) => this.#deliver(this.#stamp(message))));
  }
  expect(group: string, topics: readonly string[]): void { this.#expected.set(group, new Set(topics)); }
  async subscribe(group: string, topics: readonly string[], onMessage: OnMessage): Promise<Closable> {
    const member: Group = { topics: new Set(topics), onMessage, lanes: new Map(), closing: false };
    this.#groups.set(group, [...this.#groups.get(group) ?? [], member]);
    return { close: async () => {
      member.closing = true;
      this.#groups.set(group, (this.#groups.get(group) ?? []).filter((one) => one !== member));
      await Promise.all(member.lanes.values());
    } };
  }
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#groups.values()].flat().flatMap(({ lanes }) => [...lanes.values()]));
  }
  health(): { ok: boolean; reason?: string } { return this.#closed ? { ok: false, reason: 'the bus is closed' } : { ok: true }; }

  /** A copy with an offset of its own: readers may not share bytes with the writer. */
  #stamp(message: WireMessage): WireMessage {
    this.#offset += 1n;
    return { ...message, headers: { ...message.headers }, value: Uint8Array.from(message.value), partition: 0, offset: String(this.#offset) };
  }
  async #deliver(message: WireMessage): Promise<void> {
    const readers = [...this.#groups.values()].flatMap((members) => this.#memberFor(members, message));
    const taken = Promise.all(readers.map((group) => this.#enqueue(group, message)));
    if (this.#next() < this.#options.repeat) {
      await sleep(this.#next() * LONGEST_REPEAT_MS); // later messages of the key may have come meanwhile
      await Promise.all(readers.map((group) => this.#enqueue(group, message)));
    }
    await taken;
  }
  /** One member of each group gets a key's messages, always the same while the members stay. */
  #memberFor(members: readonly Group[], { topic, key }: WireMessage): Group[] {
    const able = members.filter((member) => member.topics.has(topic) && !member.closing);
    const chosen = able[[...key].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0, 7) % Math.max(1, able.length)];
    return chosen ? [chosen] : [];
  }
  #enqueue(group: Group, message: WireMessage): Promise<void> {
    const lane = `${message.topic}\n${message.key}`;
    const turn = (group.lanes.get(lane) ?? Promise.resolve()).then(() => this.#untilTaken(group, message));
    group.lanes.set(lane, turn);
    void turn.finally(() => { if (group.lanes.get(lane) === turn) group.lanes.delete(lane); }).catch(() => undefined);
    return turn;
  }
  async #untilTaken(group: Group, message: WireMessage): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try { await group.onMessage(message); return; } catch (error) {
        if (this.#closed || group.closing) throw error; // not taken: the outbox row stays unsent and comes again
        await sleep(this.#next() * Math.min(this.#options.longestPauseMs, 20 * 2 ** tries));
      }
    }
  }
  #next(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#random / 2 ** 32;
  }
}
