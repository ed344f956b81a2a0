import { Injectable } from '@nestjs/common';
import { StateDatabase } from '@agent-etl/persistence';
import type { WebSocket } from 'ws';
import { FeedRepository } from './feed.repository.ts';
import { LiveClient } from './live-client.ts';
import { resumePlan } from './live-rules.ts';

const BATCH = 500;
const HEARTBEAT_MS = 10_000;
export const FEED_CHANNEL = 'monitor_feed';

/** Sends events to the clients of this process. Woken by commits here and, through the database, by commits of other replicas. */
@Injectable()
export class LiveHub {
  readonly #clients = new Set<LiveClient>();
  readonly #pumps = new Map<string, Promise<void>>();
  readonly #dirty = new Set<string>();
  #beat: NodeJS.Timeout | undefined;
  #listening: { close(): Promise<void> } | undefined;
  constructor(private readonly state: StateDatabase, private readonly feed: FeedRepository) {}

  async start(): Promise<void> {
    this.#listening = await this.state.listen(FEED_CHANNEL, () => { for (const { tenantId } of this.#clients) this.wake(tenantId); });
    this.#beat = setInterval(() => { for (const client of this.#clients) { client.tell('heartbeat'); this.wake(client.tenantId); } }, HEARTBEAT_MS); // a notification may be lost
    this.#beat.unref();
  }
  async stop(): Promise<void> {
    clearInterval(this.#beat);
    await this.#listening?.close();
    await Promise.all(this.#pumps.values());
  }
  get clients(): number { return this.#clients.size; }

  /** Takes over one socket until it closes. */
  join(socket: WebSocket, tenantId: string): void {
    const client = new LiveClient(socket, tenantId);
    socket.on('message', (data: Buffer) => { void this.#subscribe(client, data.toString()).catch(() => { socket.close(1011, 'try again'); }); });
    socket.once('close', () => { this.#clients.delete(client); });
    socket.once('error', () => { socket.terminate(); });
  }
  async #subscribe(client: LiveClient, text: string): Promise<void> {
    const wanted = client.read(text);
    if (!wanted) return;
    const { oldest, latest } = await this.state.inTenantTx(client.tenantId, (tx) => this.feed.range(tx));
    const plan = resumePlan(wanted.after, oldest, latest);
    client.startAt(plan === 'replay' ? wanted.after ?? latest : latest);
    client.tell(plan === 'reset' ? 'reset' : 'heartbeat');
    this.#clients.add(client);
    this.wake(client.tenantId);
  }

  /** Something was committed for this tenant. */
  wake(tenantId: string): void {
    this.#dirty.add(tenantId);
    if (this.#pumps.has(tenantId)) return;
    const pump = this.#pump(tenantId).finally(() => { this.#pumps.delete(tenantId); if (this.#dirty.has(tenantId)) this.wake(tenantId); });
    this.#pumps.set(tenantId, pump.catch(() => { setTimeout(() => { this.wake(tenantId); }, 1000).unref(); }));
  }
  async #pump(tenantId: string): Promise<void> {
    this.#dirty.delete(tenantId);
    for (;;) {
      const clients = [...this.#clients].filter((client) => client.tenantId === tenantId && client.isOpen);
      if (clients.length === 0) return;
      const from = Math.min(...clients.map(({ seq }) => seq));
      const events = await this.state.inTenantTx(tenantId, (tx) => this.feed.after(tx, from, BATCH));
      for (const client of clients) client.take(events);
      if (events.length < BATCH) return;
    }
  }
  /** Rows per second right now, to who watches throughput. */
  tellThroughput(tenantId: string, rowsPerSecond: number): void {
    for (const client of this.#clients) if (client.tenantId === tenantId) client.tell('throughput', rowsPerSecond);
  }
}
