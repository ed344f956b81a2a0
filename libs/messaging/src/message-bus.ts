/** A message as it travels: bytes and text headers. Partition and offset are known where it is read. */
export interface WireMessage {
  readonly topic: string; readonly key: string; readonly headers: Readonly<Record<string, string>>; readonly value: Uint8Array;
  readonly partition?: number; readonly offset?: string;
}
export interface Closable { close(): Promise<void> }
/** Takes one message. A rejection means: deliver again. */
export type OnMessage = (message: WireMessage) => Promise<void>;

/** Delivers bytes at least once, in order per key only. */
export interface MessageBus {
  /** Resolves when the messages are safe: acknowledged by the broker or, in memory, handled by every group. */
  publish(messages: readonly WireMessage[]): Promise<void>;
  /** Announces a group that lasts: from now on messages of these topics count as delivered only when it has taken them, also while it is not reading.
   * A broker that keeps messages for absent groups needs no such word. */
  expect?(group: string, topics: readonly string[]): void;
  /** Reads topics as one group. Resolves when the group is reading. */
  subscribe(group: string, topics: readonly string[], onMessage: OnMessage): Promise<Closable>;
  /** Resolves when a broker answers, takes our login and has these topics; left out by a bus that is always there.
   * @throws EtlError `platform.unavailable`, `config.invalid` */
  reach?(topics?: readonly string[]): Promise<void>;
  /** Closes what reads, and what is about to. */
  close(): Promise<void>;
  health(): { readonly ok: boolean; readonly reason?: string };
}
