import { type App, EtlError, type MessageType, type Payload, type WrittenBy, messages } from '@agent-etl/contracts';
import { type Sql, type TenantTx, clockText, sql } from '@agent-etl/persistence';
import type { MessageBus, WireMessage } from './message-bus.ts';
import { MOST_BYTES, wireMessage } from './message-headers.ts';
import { storableJson, storableText } from './storable-text.ts';

/** Channel that tells relays of other processes about a commit; one per schema, since each schema has its own relay. */
export const outboxChannel = (app: App): string => `outbox_${app.replaceAll('-', '_')}`;

/** Stands for a time that the server writes: the clock of the statement that adds the message. */
const setByServer = '';

/** Messages are rows: they are sent if, and only if, the transaction that decided them commits. */
export class Outbox<A extends App> {
  /** Transactions that have told the relay. */
  readonly #told = new WeakSet<TenantTx>();
  constructor(readonly app: A, private readonly bus: MessageBus) {}

  /** Adds a message to the transaction. The transaction must hold the row that the key names: so messages of one key are sent in commit order.
   * The same saying twice is one row. @throws EtlError `platform.internal` when the key is not held or the payload breaks its schema, `request.too-large` */
  async add<T extends WrittenBy<A>>(tx: TenantTx, type: T, payload: Payload<T>): Promise<void> {
    const message = this.#message(type, payload, { tenantId: tx.tenantId, at: setByServer });
    if (!tx.holds(message.key)) throw new EtlError('platform.internal', {}, { cause: new Error(`${type} is keyed by ${message.key}, which this transaction does not hold`) });
    await this.#insert(tx, message.id, { message, headers: sql`jsonb_set(${storableJson(message.headers)}::jsonb, '{ce_time}', to_jsonb(${clockText}))` });
  }
  /** Adds bytes as they are: mirrors of dead letters. */
  async addWire(tx: TenantTx, id: string, message: WireMessage): Promise<void> { await this.#insert(tx, id, { message, headers: sql`${storableJson(message.headers)}::jsonb` }); }
  async #insert(tx: TenantTx, id: string, { message: { topic, key, value }, headers }: { message: WireMessage; headers: Sql }): Promise<void> {
    const row = sql`insert into outbox (tenant_id, topic, key, ce_id, headers, body) values (${tx.tenantId}, ${topic}, ${storableText(key)}, ${id}, ${headers}, ${Buffer.from(value)}) on conflict do nothing`;
    if (this.#told.has(tx)) { await tx.run(row); return; }
    this.#told.add(tx);
    await tx.notify(outboxChannel(this.app), row);
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
