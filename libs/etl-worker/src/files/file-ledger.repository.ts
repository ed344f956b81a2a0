import type { LedgerRow } from '@agent-etl/connectors';
import { Digest } from '@agent-etl/contracts';
import { type TenantTx, sql } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { FileQuarantineRepository } from './file-quarantine.repository.ts';

interface Row { chunk_key: string; attempt: number; fence: number; rows: number; rejected: number; bytes: number; digest: unknown }

/** Fence and ledger of sinks without transactions, one fence per target. */
@Injectable()
export class FileLedgerRepository {
  readonly quarantine = new FileQuarantineRepository();

  /** Counts the fence of a target up. @returns its new value */
  async raise(tx: TenantTx, target: string, holder: string): Promise<number> {
    const [row] = await tx.run<{ value: number }>(sql`insert into file_fence as fence (tenant_id, target, value, holder)
      values (${tx.tenantId}, ${target}, 1, ${holder})
      on conflict (tenant_id, target) do update set value = fence.value + 1, holder = excluded.holder returning value::integer`);
    return row!.value;
  }

  /** Holds the fence at this value until the transaction ends. @returns false when somebody raised it */
  async holds(tx: TenantTx, target: string, fence: number): Promise<boolean> {
    const rows = await tx.run(sql`select 1 from file_fence where target = ${target} and value = ${fence} for share`);
    return rows.length > 0;
  }

  async rows(tx: TenantTx, runId: string, task: string): Promise<LedgerRow[]> {
    const rows = await tx.run<Row>(sql`select chunk_key, attempt, fence::integer, rows::float8, rejected::float8, bytes::float8, digest
      from file_ledger where run_id = ${runId} and task = ${task} order by written_at`);
    return rows.map(({ chunk_key, digest, ...row }) => ({ ...row, chunkKey: chunk_key, digest: digest === null ? null : Digest.parse(digest) }));
  }

  /** @returns false when the row is there already */
  async add(tx: TenantTx, of: { runId: string; task: string }, row: LedgerRow): Promise<boolean> {
    const digest = row.digest ? JSON.stringify(row.digest) : null;
    const added = await tx.run(sql`insert into file_ledger (tenant_id, run_id, task, chunk_key, attempt, fence, rows, rejected, bytes, digest)
      values (${tx.tenantId}, ${of.runId}, ${of.task}, ${row.chunkKey}, ${row.attempt}, ${row.fence}, ${row.rows}, ${row.rejected}, ${row.bytes}, ${digest}::jsonb)
      on conflict do nothing returning chunk_key`);
    return added.length > 0;
  }

  async forget(tx: TenantTx, runId: string, task: string): Promise<void> {
    await tx.run(sql`delete from file_ledger where run_id = ${runId} and task = ${task}`);
  }

  /** Drops the rows of these runs that have no task left. */
  async dropOrphans(tx: TenantTx, runIds: readonly string[]): Promise<void> {
    await tx.run(sql`delete from file_ledger where run_id = any(${[...runIds]}::uuid[]) and not exists (select 1 from task where task.run_id = file_ledger.run_id)`);
  }
}
