import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { LiveFrame, type LiveSubscribe } from '@agent-etl/contracts';
import { WebSocket } from 'ws';

/** A client of the live feed that writes down what it is told. */
export class LiveListener {
  readonly frames: LiveFrame[] = [];
  closedWith: number | null = null;
  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => { this.frames.push(LiveFrame.parse(JSON.parse(data.toString()))); });
    socket.on('close', (code) => { this.closedWith = code; });
  }
  static async open(url: string, token: string): Promise<LiveListener> {
    const listener = new LiveListener(new WebSocket(`${url.replace(/^http/, 'ws')}/v1/live?token=${token}`));
    await once(listener.socket, 'open');
    return listener;
  }
  say(text: string): void { this.socket.send(text); }
  /** Subscribes, and waits for the first answer. */
  async subscribe(wanted: LiveSubscribe): Promise<this> {
    const had = this.frames.length;
    this.say(JSON.stringify(wanted));
    await until(() => this.frames.length > had || this.closedWith !== null);
    return this;
  }
  /** Numbers of the events it was told, in the order they came. */
  numbers(): number[] { return this.frames.filter(({ topic }) => !['heartbeat', 'reset', 'throughput'].includes(topic)).map(({ seq }) => seq); }
  get lastSeq(): number { return this.frames.at(-1)?.seq ?? 0; }
  close(): void { this.socket.terminate(); }
}

/** Looks until `isTrue`, at most 15 s. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (await isTrue()) return;
    await sleep(50);
  }
  throw new Error('it did not happen within 15 s');
}
