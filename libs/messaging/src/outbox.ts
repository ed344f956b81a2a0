import { type App, EtlError, type MessageType, type Payload, type WrittenBy, messages } from '@agent-etl/contracts';
import { type TenantTx, sql } from '@agent-etl/persistence';
import type { MessageBus, WireMessage } from './message-bus.ts';
import { MOST_BYTES, wireMessage } from './message-headers.ts';
import { storableJson, storableText } from './storable-text.ts';

/** Channel that tells relays of other processes about a commit; one per schema, since each schema has its own relay. */
export const outboxChannel = (app: App): string => `outbox_${app.replaceAll('-', '_')}`;

/** Messages are rows: they are sent if, and only if, the transaction that decided them commits. */
export class Outbox<A extends App> {
  #wake: () => void = () => undefined;
  /** What a transaction has said so far: its time is read once, its relay is told once. */
  readonly #open = new WeakMap<TenantTx, { at: Promise<string>; isTold: boolean }>();
  constructor(readonly app: A, private readonly bus: MessageBus) {}
  /** The relay asks to be told about commits of this process. */
  onCommit(wake: () => void): void { this.#wake = wake; }

  /** Adds a message to the transaction. The transaction must hold the row that the key names: so messages of one key are sent in commit order.
   * The same saying twice is one row. @throws EtlError `platform.internal` when the key is not held or the payload breaks its schema, `request.too-large` */
  async add<T extends WrittenBy<A>>(tx: TenantTx, type: T, payload: Payload<T>): Promise<void> {
    const message = this.#message(type, payload, { tenantId: tx.tenantId, at: await this.#of(tx).at });
    if (!tx.holds(message.key)) throw new EtlError('platform.internal', {}, { cause: new Error(`${type} is keyed by ${message.key}, which this transaction does not hold`) });
    await this.addWire(tx, message.id, message);
  }
  /** Adds bytes as they are: mirrors of dead letters. */
  async addWire(tx: TenantTx, id: string, { topic, key, headers, value }: WireMessage): Promise<void> {
    const row = sql`insert into outbox (tenant_id, topic, key, ce_id, headers, body)
      values (${tx.tenantId}, ${topic}, ${storableText(key)}, ${id}, ${storableJson(headers)}::jsonb, ${Buffer.from(value)}) on conflict do nothing`;
    const said = this.#of(tx);
    if (said.isTold) { await tx.run(row); return; }
    said.isTold = true;
    await tx.run(sql`with said as (${row}) select pg_notify(${outboxChannel(this.app)}, '')`);
    tx.afterCommit(() => { this.#wake(); });
  }
  #of(tx: TenantTx): { at: Promise<string>; isTold: boolean } {
    const known = this.#open.get(tx);
    if (known) return known;
    const fresh = { at: tx.now(), isTold: false };
    this.#open.set(tx, fresh);
    return fresh;
  }
  /** Says something straight to the bus, without a row: for progress, which may be lost. */
  async announce<T extends WrittenBy<A>>(tenantId: string, type: T, payload: Payload<T>): Promise<void> {
    await this.bus.publish([this.#message(type, payload, { tenantId, at: new Date().toISOString() })]);
  }
  #message<T extends WrittenBy<A>>(type: T, payload: Payload<T>, { tenantId, at }: { tenantId: string; at: string }): WireMessage & { id: string } {
    const parsed = messages[type as MessageType].payload.safeParse(payload);
    if (!parsed.success) throw new EtlError('platform.internal', {}, { cause: parsed.error });
    const message = wireMessage({ app: this.app, tenantId, type, payload: parsed.data as Record<string, unknown>, at });
    if (message.value.byteLength > MOST_BYTES) throw new EtlError('request.too-large', { what: type, size: `${message.value.byteLength} bytes`, limit: `${MOST_BYTES} bytes` });
    return message;
  }
}
