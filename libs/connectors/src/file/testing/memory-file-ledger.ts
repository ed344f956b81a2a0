import type { AsideReason, QuarantineAsk, QuarantinePage } from '@agent-etl/contracts';
import { columnOf } from '../../judged/reason-rules.ts';
import { pageOf } from '../../judged/quarantine-page-rules.ts';
import type { FileLedger, LedgerRow, NewLedgerRow } from '../../port.ts';

/** Fence and ledger of file sinks in memory, for tests: as strict as the one in the state database. */
export class MemoryFileLedger implements FileLedger {
  private readonly fences = new Map<string, number>();
  private asides: (QuarantinePage['rows'][number] & { readonly target: string })[] = [];
  private readonly written = new Map<string, LedgerRow[]>();

  async raise(target: string): Promise<number> {
    const fence = (this.fences.get(target) ?? 0) + 1;
    this.fences.set(target, fence);
    return fence;
  }
  async holds(target: string, fence: number): Promise<boolean> { return this.fences.get(target) === fence; }
  async rows(runId: string, task: string): Promise<LedgerRow[]> { return [...this.written.get(`${runId}/${task}`) ?? []]; }
  async add(runId: string, task: string, { aside, ...row }: NewLedgerRow): Promise<boolean> {
    const rows = await this.rows(runId, task);
    if (rows.some(({ chunkKey }) => chunkKey === row.chunkKey)) return false;
    this.written.set(`${runId}/${task}`, [...rows, row]);
    for await (const batch of aside?.rows.batches() ?? []) {
      for (const each of batch) this.asides.push({ ...each, runId: runId as never, id: this.asides.length + 1, task, chunk: row.chunkKey, column: columnOf(each.reason), pipeline: aside!.pipeline, target: aside!.target, at: new Date().toISOString(), replayedBy: null });
    }
    return true;
  }
  async forgetAside(runId: string, task: string): Promise<void> { this.asides = this.asides.filter((each) => each.runId !== runId || each.task !== task); }
  async aside(runId: string, task: string): Promise<AsideReason[]> {
    const reasons = Map.groupBy(this.asides.filter((each) => each.runId === runId && each.task === task), ({ reason }) => reason);
    return [...reasons].map(([reason, rows]) => ({ reason, rows: rows.length, row: rows[0]?.row ?? null })).sort((a, b) => b.rows - a.rows || (a.reason < b.reason ? -1 : 1));
  }
  async quarantine(target: string, { pipeline, after, limit }: QuarantineAsk): Promise<QuarantinePage> {
    return pageOf(this.asides.filter((each) => each.target === target && each.pipeline === pipeline && each.id > after).slice(0, limit), limit);
  }
  async forget(runId: string, task: string): Promise<void> { this.written.delete(`${runId}/${task}`); }
}
