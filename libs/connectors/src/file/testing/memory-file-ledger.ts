import type { FileLedger, LedgerRow } from '../../port.ts';

/** Fence and ledger of file sinks in memory, for tests: as strict as the one in the state database. */
export class MemoryFileLedger implements FileLedger {
  private readonly fences = new Map<string, number>();
  private readonly written = new Map<string, LedgerRow[]>();

  async raise(target: string): Promise<number> {
    const fence = (this.fences.get(target) ?? 0) + 1;
    this.fences.set(target, fence);
    return fence;
  }
  async holds(target: string, fence: number): Promise<boolean> { return this.fences.get(target) === fence; }
  async rows(runId: string, task: string): Promise<LedgerRow[]> { return [...this.written.get(`${runId}/${task}`) ?? []]; }
  async add(runId: string, task: string, row: LedgerRow): Promise<boolean> {
    const rows = await this.rows(runId, task);
    if (rows.some(({ chunkKey }) => chunkKey === row.chunkKey)) return false;
    this.written.set(`${runId}/${task}`, [...rows, row]);
    return true;
  }
  async forget(runId: string, task: string): Promise<void> { this.written.delete(`${runId}/${task}`); }
}
