import { type App, type Failure, deadLetterTopic } from '@agent-etl/contracts';
import { type TenantTx, sql } from '@agent-etl/persistence';
import { v7 } from 'uuid';
import { MOST_BYTES } from './message-headers.ts';
import type { WireMessage } from './message-bus.ts';
import type { Outbox } from './outbox.ts';
import { storableJson, storableText } from './storable-text.ts';

export interface ParkedRow { seq: string; topic: string; partition: number; offset: string; key: string; headers: Record<string, string>; value: Buffer; tries: number; first_seen: Date }
export const RELEASE = '0.1.0';

/** Messages that wait behind a failing one, and messages that are given up. Their bytes are kept as they came. */
export class Parking<A extends App> {
  constructor(private readonly app: A, private readonly outbox: Outbox<A>) {}

  /** Takes a message's place in the inbox, unless an earlier one of its key is waiting: then this one queues behind it. `seen`: it has had its effect. */
  async enter(tx: TenantTx, { topic, key }: WireMessage, id: string): Promise<'first' | 'seen' | 'behind'> {
    // A console line without a key promises no order: one failing line must not hold up all others.
    const [row] = await tx.run<{ is_behind: boolean; is_first: boolean }>(sql`
      with waiting as (select 1 from parked where ${key} <> '' and app = ${this.app} and topic = ${topic} and key = ${storableText(key)} limit 1),
        entered as (insert into inbox (tenant_id, app, ce_id) select ${tx.tenantId}::uuid, ${this.app}, ${id}::uuid where not exists (select from waiting) on conflict do nothing returning 1)
      select exists (select from waiting) as is_behind, exists (select from entered) as is_first`);
    return row?.is_behind ? 'behind' : row?.is_first ? 'first' : 'seen';
  }
  async park(tx: TenantTx, message: WireMessage, state: { tries: number; failure: Failure | null; pauseMs: number }): Promise<void> {
    const { topic, partition = 0, offset = '0', key, headers, value } = message;
    await tx.run(sql`insert into parked (tenant_id, app, topic, partition, "offset", key, headers, value, tries, failure, next_at)
      values (${tx.tenantId}, ${this.app}, ${topic}, ${partition}, ${offset}, ${storableText(key)}, ${storableJson(headers)}::jsonb, ${Buffer.from(value)}, ${state.tries},
        ${state.failure ? storableJson(state.failure) : null}::jsonb, clock_timestamp() + make_interval(secs => ${state.pauseMs / 1000}))
      on conflict do nothing`);
  }
  async lock(tx: TenantTx, seq: string): Promise<ParkedRow | null> {
    const [row] = await tx.run<ParkedRow>(sql`select seq, topic, partition, "offset", key, headers, value, tries, first_seen from parked where seq = ${seq} for update skip locked`);
    return row ?? null;
  }
  async unpark(tx: TenantTx, seq: string): Promise<void> { await tx.run(sql`delete from parked where seq = ${seq}`); }
  async postpone(tx: TenantTx, seq: string, { tries, failure, pauseMs }: { tries: number; failure: Failure; pauseMs: number }): Promise<void> {
    await tx.run(sql`update parked set tries = ${tries}, failure = ${storableJson(failure)}::jsonb, last_seen = clock_timestamp(),
      next_at = clock_timestamp() + make_interval(secs => ${pauseMs / 1000}) where seq = ${seq}`);
  }
  /** Gives a message up: the record here, its mirror on the dead letter topic, both with the original bytes. Answers the letter's id, or null when it has one already. */
  async bury(tx: TenantTx, message: WireMessage, { failure, tries, firstSeen }: { failure: Failure; tries: number; firstSeen: Date }): Promise<string | null> {
    const { topic, partition = 0, offset = '0', key, headers, value } = message;
    const id = v7();
    const added = await tx.run(sql`insert into dead_letter (id, tenant_id, app, topic, partition, "offset", key, headers, value, failure, tries, first_seen, release, state)
      values (${id}, ${tx.tenantId}, ${this.app}, ${topic}, ${partition}, ${offset}, ${storableText(key)}, ${storableJson(headers)}::jsonb, ${Buffer.from(value)}, ${storableJson(failure)}::jsonb, ${tries},
        ${firstSeen.toISOString()}::timestamptz, ${RELEASE}, ${failure.code === 'message.unsupported' ? 'parked' : 'dead'})
      on conflict do nothing returning 1`);
    if (added.length === 0) return null;
    // A mirror that no broker takes would stop everything behind it: then the record alone has the bytes.
    const headerBytes = Buffer.byteLength(JSON.stringify(headers));
    const isTooLarge = value.byteLength + headerBytes > MOST_BYTES;
    await this.outbox.addWire(tx, id, {
      topic: deadLetterTopic(this.app), key: storableText(key), value: isTooLarge ? new Uint8Array() : value,
      headers: {
        ...(headerBytes > MOST_BYTES / 2 ? {} : headers), ...(isTooLarge ? { dlq_omitted_bytes: String(value.byteLength) } : {}),
        etl_tenant: tx.tenantId, dlq_id: id, dlq_source: `${topic}/${partition}/${offset}`, dlq_failure: JSON.stringify(failure), dlq_tries: String(tries), dlq_at: await tx.now(),
      },
    });
    return id;
  }
}
