import type { ChunkRange } from '@agent-etl/connectors';
import { MaskKeys, Span } from '@agent-etl/contracts';
import { type TenantTx, sql } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { ChunkEntity } from './chunk.entity.ts';

/** How a source was cut, the id of the picture that the cut belongs to, what it covers where the task has a cursor, and the keys that its rows are masked under where it has any. */
export interface StoredCut { readonly snapshot: string | null; readonly ranges: readonly ChunkRange[]; readonly span?: Span | undefined; readonly maskKeys?: MaskKeys | undefined }

/** What a cut covers and which keys it has, as one value: a release that knows spans alone reads the span of it, or one that begins and ends nowhere. */
const Cover = Span.extend({ maskKeys: MaskKeys.optional(), isWhole: z.literal(true).optional() });
type Covered = Pick<StoredCut, 'span' | 'maskKeys'>;
const coverText = ({ span, maskKeys }: Covered): string | null => (span || maskKeys ? JSON.stringify({ ...(span ?? { from: null, to: null, isWhole: true }), ...(maskKeys ? { maskKeys } : {}) }) : null);
function coverOf(stored: unknown): Covered {
  if (stored === null) return {};
  const { maskKeys, isWhole, ...span } = Cover.parse(stored);
  return { ...(isWhole ? {} : { span }), ...(maskKeys ? { maskKeys } : {}) };
}
/** The cut of a load. It is written before the first read and never computed again: attempts share it. */
@Injectable()
export class ChunksRepository {
  /** @returns null when no attempt has cut yet */
  async find(tx: TenantTx, taskRunId: string): Promise<StoredCut | null> {
    const rows = await tx.manager.find(ChunkEntity, { where: { taskRunId }, order: { ordinal: 'ASC' } });
    const [first] = rows;
    if (!first) return null;
    return { snapshot: first.snapshot, ...coverOf(first.span), ranges: rows.map(({ chunkKey, ordinal, from, to }) => ({ key: chunkKey, ordinal, from, to })) };
  }

  /** Puts a new cut in the place of an old one. */
  async replace(tx: TenantTx, taskRunId: string, { snapshot, ranges, span, maskKeys }: StoredCut): Promise<void> {
    await this.forget(tx, taskRunId);
    await tx.run(sql`insert into chunk (tenant_id, task_run_id, ordinal, chunk_key, range_from, range_to, snapshot, span)
      select ${tx.tenantId}::uuid, ${taskRunId}::uuid, ordinal, key, "from", "to", ${snapshot}::text, ${coverText({ span, maskKeys })}::jsonb
      from jsonb_to_recordset(${JSON.stringify(ranges)}::jsonb) as cut(ordinal integer, key text, "from" text, "to" text)`);
  }

  async forget(tx: TenantTx, taskRunId: string): Promise<void> { await tx.run(sql`delete from chunk where task_run_id = ${taskRunId}`); }

  /** Drops the cuts of these tasks that have no attempt left. */
  async dropOrphans(tx: TenantTx, taskRunIds: readonly string[]): Promise<void> {
    await tx.run(sql`delete from chunk where task_run_id = any(${[...taskRunIds]}::uuid[]) and not exists (select 1 from task where task.task_run_id = chunk.task_run_id)`);
  }

  /** The same cut under a picture that was handed on: the earlier id ends with its holder. */
  async handOn(tx: TenantTx, taskRunId: string, snapshot: string | null): Promise<void> {
    await tx.run(sql`update chunk set snapshot = ${snapshot}::text where task_run_id = ${taskRunId}`);
  }
}
