import { setTimeout as sleep } from 'node:timers/promises';
import type { OnMessage, WireMessage } from './message-bus.ts';

/** A reader as its messages see it. `hear` is told when work on one begins (+1) and ends (-1), however it ends. */
export interface Reader { isStopping: boolean; hear: (work: -1 | 0 | 1) => void }
interface Taking { readonly reader: Reader; readonly onMessage: OnMessage; heartbeat(): Promise<void>; commit(): Promise<void> }
const HEARTBEAT_MS = 2_000;

/** One message until it is taken, then its offset. What a handler throws must never reach the client: it would block the partition by its own rules.
 * @throws what the commit throws: then the client reads again from the last one */
export async function takeMessage(wire: WireMessage, { reader, onMessage, heartbeat, commit }: Taking): Promise<void> {
  // A handler may wait for a lock longer than the session lasts: the group must not give its partitions away meanwhile.
  const beat = setInterval(() => { heartbeat().catch(() => undefined); }, HEARTBEAT_MS); // a lost session shows at the commit
  reader.hear(1);
  try {
    if (await isTaken(wire, reader, onMessage)) await commit();
  } finally {
    clearInterval(beat);
    reader.hear(-1);
  }
}

/** Hands a message over until it is taken: nothing behind it overtakes. False when the reader leaves first: it comes again to whoever reads next. */
async function isTaken(wire: WireMessage, reader: Reader, onMessage: OnMessage): Promise<boolean> {
  for (let tries = 0; ; tries += 1) {
    try { await onMessage(wire); return true; } catch {
      if (reader.isStopping) return false;
      await sleep(Math.random() * Math.min(5_000, 100 * 2 ** tries));
      if (reader.isStopping) return false;
    }
  }
}
