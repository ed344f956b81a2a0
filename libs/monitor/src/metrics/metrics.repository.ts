import { Injectable } from '@nestjs/common';
import { type TenantTx, sql } from '@agent-etl/persistence';
import { type Increment, labelText } from './metrics-rules.ts';

export interface CounterRow { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }
/** Seconds of one point of the throughput chart. */
export const SLOT_SECONDS = 20;

/** Counters that live in the database: they change in the transaction that projects an event, so restarts and repeats do not show. */
@Injectable()
export class MetricsRepository {
  async add(tx: TenantTx, increments: readonly Increment[]): Promise<void> {
    for (const { name, labels, by } of increments) {
      await tx.run(sql`insert into counter as c (name, labels, value) values (${name}, ${labelText(labels)}, ${by}) on conflict (name, labels) do update set value = c.value + excluded.value`);
    }
  }
  async counters(tx: TenantTx, names: readonly string[]): Promise<CounterRow[]> {
    const rows = await tx.run<{ name: string; labels: string; value: number }>(sql`select name, labels, value from counter where name = any(${[...names]}::text[])`);
    return rows.map(({ name, labels, value }) => ({ name, labels: JSON.parse(labels) as Record<string, string>, value }));
  }
  async markGreen(tx: TenantTx, pipeline: string, at: string): Promise<void> {
    await tx.run(sql`insert into freshness (pipeline, green_at) values (${pipeline}, ${at}::timestamptz) on conflict (pipeline) do update set green_at = greatest(freshness.green_at, excluded.green_at)`);
  }
  /** Seconds since each pipeline was last green: the oldest `limit` of them. */
  async freshness(tx: TenantTx, limit: number): Promise<{ pipeline: string; seconds: number }[]> {
    return tx.run(sql`select pipeline, extract(epoch from clock_timestamp() - green_at)::float8 as seconds from freshness order by green_at limit ${limit}`);
  }

  /** Rows that a task had reported before, replaced by what it reports now. */
  async swapTaskRows(tx: TenantTx, { runId, taskRunId, rows }: { runId: string; taskRunId: string; rows: number }): Promise<number> {
    const [before] = await tx.run<{ rows: string }>(sql`select rows from task_rows where run_id = ${runId} and task_run_id = ${taskRunId} for update`);
    await tx.run(sql`insert into task_rows (run_id, task_run_id, rows) values (${runId}, ${taskRunId}, ${rows}) on conflict (run_id, task_run_id) do update set rows = greatest(task_rows.rows, excluded.rows)`);
    return Number(before?.rows ?? 0);
  }
  async forgetTaskRows(tx: TenantTx, runId: string): Promise<void> { await tx.run(sql`delete from task_rows where run_id = ${runId}`); }
  async addThroughput(tx: TenantTx, at: string, rows: number): Promise<void> {
    await tx.run(sql`insert into throughput as t (tenant_id, slot, rows) values (${tx.tenantId}, to_timestamp(floor(extract(epoch from ${at}::timestamptz) / ${SLOT_SECONDS}) * ${SLOT_SECONDS}), ${rows})
      on conflict (tenant_id, slot) do update set rows = t.rows + excluded.rows`);
    await tx.run(sql`delete from throughput where tenant_id = ${tx.tenantId} and slot < clock_timestamp() - interval '1 day'`);
  }
  /** Rows per second in each slot of the last hour, zero where nothing moved. */
  async throughput(tx: TenantTx): Promise<[number, number][]> {
    const rows = await tx.run<{ at: number; rate: number }>(sql`
      select extract(epoch from s)::float8 as at, coalesce(t.rows, 0)::float8 / ${SLOT_SECONDS}::float8 as rate
      from generate_series(to_timestamp(floor(extract(epoch from clock_timestamp()) / ${SLOT_SECONDS}) * ${SLOT_SECONDS}) - interval '1 hour', clock_timestamp(), make_interval(secs => ${SLOT_SECONDS})) as s
      left join throughput t on t.slot = s order by s`);
    return rows.map(({ at, rate }) => [at, rate]);
  }
  async deadLetters(tx: TenantTx): Promise<number> {
    const [row] = await tx.run<{ count: string }>(sql`select count(*) as count from dead_letter_view`);
    return Number(row?.count ?? 0);
  }
}
