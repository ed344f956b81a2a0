import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { QuarantinePage } from '@agent-etl/contracts';
import type { FileLedger, LedgerRow, NewLedgerRow } from '../../port.ts';

interface Kept { readonly fences: Record<string, number>; readonly rows: Record<string, LedgerRow[]> }
/** Fence and ledger of file sinks in a file, for tests in which processes are killed. Nothing is set aside in them. */
export class KeptFileLedger implements FileLedger {
  constructor(private readonly path: string) {}
  read(): Kept { return existsSync(this.path) ? JSON.parse(readFileSync(this.path, 'utf8')) as Kept : { fences: {}, rows: {} }; }
  private change<T>(work: (kept: Kept) => T): T {
    const kept = this.read();
    const answer = work(kept);
    writeFileSync(`${this.path}.tmp`, JSON.stringify(kept));
    renameSync(`${this.path}.tmp`, this.path);
    return answer;
  }
  async raise(target: string): Promise<number> { return this.change(({ fences }) => fences[target] = (fences[target] ?? 0) + 1); }
  async holds(target: string, fence: number): Promise<boolean> { return this.read().fences[target] === fence; }
  async rows(runId: string, task: string): Promise<LedgerRow[]> { return this.read().rows[`${runId}/${task}`] ?? []; }
  async add(runId: string, task: string, { aside, ...row }: NewLedgerRow): Promise<boolean> {
    if (aside) throw new TypeError('this ledger keeps no rows that are set aside');
    return this.change(({ rows }) => {
      const there = rows[`${runId}/${task}`] ?? [];
      if (there.some(({ chunkKey }) => chunkKey === row.chunkKey)) return false;
      rows[`${runId}/${task}`] = [...there, row];
      return true;
    });
  }
  async forgetAside(): Promise<void> { /* there are none */ }
  async aside(): Promise<[]> { return []; }
  async quarantine(): Promise<QuarantinePage> { return { groups: [], rows: [], next: null }; }
  async forget(runId: string, task: string): Promise<void> { this.change(({ rows }) => { delete rows[`${runId}/${task}`]; }); }
}
