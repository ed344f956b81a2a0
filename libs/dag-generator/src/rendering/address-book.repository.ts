import { type TenantTx, sql } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import type { Approved } from './dag-artifact.entity.ts';

export type Addresses = Readonly<Record<string, string>>;

/** Where the connections of a tenant lead. A database that moves has one new address for all DAGs that name it, or Airflow would know one asset by two. */
@Injectable()
export class AddressBook {
  /** Takes over what an approval says, unless a later one has been heard. DAGs of other pipelines whose connections have moved since wait to be rendered anew. */
  async learn(tx: TenantTx, { addresses, approvedAt, pipelineId }: Pick<Approved, 'addresses' | 'approvedAt' | 'pipelineId'>): Promise<void> {
    if (!addresses) return; // said by a release that knew none
    const before = await this.lock(tx);
    const [taken] = await tx.run(sql`insert into address_book as b (tenant_id, addresses, approved_at) values (${tx.tenantId}, ${JSON.stringify(addresses)}::jsonb, ${approvedAt}::timestamptz)
      on conflict (tenant_id) do update set addresses = excluded.addresses, approved_at = excluded.approved_at where b.approved_at <= excluded.approved_at returning 1`);
    if (taken) await this.renderMoved(tx, { before, now: addresses, pipelineId });
  }
  /** @returns null when no approval has said any yet */
  async known(tx: TenantTx): Promise<Addresses | null> {
    const [row] = await tx.run<{ addresses: Addresses }>(sql`select addresses from address_book`);
    return row?.addresses ?? null;
  }

  private async lock(tx: TenantTx): Promise<Addresses | null> {
    const [row] = await tx.run<{ addresses: Addresses }>(sql`select addresses from address_book for update`);
    return row?.addresses ?? null;
  }
  /** A DAG from before there was a book was rendered with what its own approval said. */
  private async renderMoved(tx: TenantTx, { before, now, pipelineId }: { before: Addresses | null; now: Addresses; pipelineId: string }): Promise<void> {
    const told = before === null ? null : JSON.stringify(before);
    await tx.run(sql`update dag_artifact set state = 'waiting', tries = 0, next_at = clock_timestamp(), failure = null
      where state in ('published', 'failed') and pipeline_id <> ${pipelineId}::uuid and exists (select 1 from unnest(array[approved #>> '{plan,pipeline,from,connection}', approved #>> '{plan,pipeline,to,connection}']) as name
        where coalesce(${told}::jsonb, approved -> 'addresses', '{}') ->> name is distinct from ${JSON.stringify(now)}::jsonb ->> name)`);
  }
}
