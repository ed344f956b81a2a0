import { Injectable } from '@nestjs/common';
import { type TenantTx, sql } from '@agent-etl/persistence';
import type { FeedEvent } from './live-rules.ts';

interface EventRow { seq: string; topics: string[]; event: unknown }
/** Events kept for clients that come back; older ones are cut off. */
const KEPT = 20_000;

/** The numbered events of a tenant. The monitor is their only writer: it numbers them in the transaction that projects them. */
@Injectable()
export class FeedRepository {
  /** Takes the next number. The row stays locked until commit, so numbers appear in order and without gaps. */
  async nextSeq(tx: TenantTx): Promise<number> {
    const [row] = await tx.run<{ seq: string }>(sql`insert into feed_position as p (tenant_id, seq) values (${tx.tenantId}, 1)
      on conflict (tenant_id) do update set seq = p.seq + 1 returning seq`);
    return Number(row?.seq);
  }

  async add(tx: TenantTx, { seq, topics, event }: FeedEvent): Promise<void> {
    await tx.run(sql`insert into feed_event (tenant_id, seq, topics, event, at) values (${tx.tenantId}, ${seq}, ${[...topics]}::text[], ${JSON.stringify(event)}::jsonb, clock_timestamp())`);
    if (seq % 500 === 0) await tx.run(sql`delete from feed_event where tenant_id = ${tx.tenantId} and seq <= ${seq - KEPT}`);
  }

  async range(tx: TenantTx): Promise<{ oldest: number | null; latest: number }> {
    const [row] = await tx.run<{ oldest: string | null; latest: string | null }>(sql`select (select min(seq) from feed_event) as oldest, (select seq from feed_position) as latest`);
    return { oldest: row?.oldest ? Number(row.oldest) : null, latest: Number(row?.latest ?? 0) };
  }

  /** Events after a number, in order. */
  async after(tx: TenantTx, seq: number, limit: number): Promise<FeedEvent[]> {
    const rows = await tx.run<EventRow>(sql`select seq, topics, event from feed_event where seq > ${seq} order by seq limit ${limit}`);
    return rows.map((row) => ({ seq: Number(row.seq), topics: row.topics, event: row.event }));
  }
}
