import { type AsideRow, columnOfReason, quarantinePage } from '@agent-etl/connectors';
import { type AsideReason, type QuarantineAsk, QuarantinePage } from '@agent-etl/contracts';
import { type TenantTx, sql } from '@agent-etl/persistence';

/** Which piece of which load set rows aside, and beside which file. */
export interface AsideOf { readonly target: string; readonly pipeline: string; readonly runId: string; readonly task: string; readonly chunkKey: string }

/** Rows that were set aside beside files. */
export class FileQuarantineRepository {
  async add(tx: TenantTx, { target, pipeline, runId, task, chunkKey }: AsideOf, batch: readonly AsideRow[]): Promise<void> {
    const rows = JSON.stringify(batch.map(({ row, reason, raw }) => ({ n: row, c: columnOfReason(reason), r: reason, t: raw.replaceAll('\0', '\uFFFD') })));
    await tx.run(sql`insert into file_quarantine (tenant_id, target, pipeline, run_id, task, chunk_key, "row", "column", reason, raw)
      select ${tx.tenantId}::uuid, ${target}, ${pipeline}, ${runId}::uuid, ${task}, ${chunkKey}, n, c, r, t from json_to_recordset(${rows}::json) as rows(n bigint, c text, r text, t text)`);
  }
  async forget(tx: TenantTx, runId: string, task: string): Promise<void> {
    await tx.run(sql`delete from file_quarantine where run_id = ${runId} and task = ${task}`);
  }
  async reasons(tx: TenantTx, runId: string, task: string): Promise<AsideReason[]> {
    return tx.run<AsideReason>(sql`select reason, count(*)::float8 as rows, min("row")::float8 as "row" from file_quarantine where run_id = ${runId} and task = ${task} group by reason order by 2 desc, 1 limit 100`);
  }
  async page(tx: TenantTx, target: string, { pipeline, runId, want, after, limit, waiting }: QuarantineAsk): Promise<QuarantinePage> {
    const instant = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"';
    if (want === 'groups') {
      const groups = await tx.run(sql`select pipeline, run_id as "runId", reason, count(*)::float8 as rows, count(replayed_by)::float8 as replayed, min("row")::float8 as "row", to_char(min(written_at) at time zone 'UTC', ${instant}) as at
        from file_quarantine where target = ${target} and pipeline = ${pipeline} and (${runId}::uuid is null or run_id = ${runId}::uuid) and (${waiting} = 'all' or replayed_by is null)
        group by 1, 2, 3 order by max(id) desc, 4 desc, 3 limit ${limit}`);
      return QuarantinePage.parse({ groups, rows: [], next: null });
    }
    const rows = await tx.run<{ id: number; raw: string }>(sql`select id::float8 as id, pipeline, run_id as "runId", task, chunk_key as chunk, "row"::float8 as "row", "column", reason, raw,
      to_char(written_at at time zone 'UTC', ${instant}) as at, replayed_by as "replayedBy" from file_quarantine
      where target = ${target} and pipeline = ${pipeline} and (${runId}::uuid is null or run_id = ${runId}::uuid) and (${waiting} = 'all' or replayed_by is null) and file_quarantine.id > ${after} order by file_quarantine.id limit ${limit}`);
    return quarantinePage(rows, limit);
  }
}
