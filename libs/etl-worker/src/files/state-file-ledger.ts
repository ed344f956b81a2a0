import type { FileLedger, LedgerRow, NewLedgerRow } from '@agent-etl/connectors';
import { type AsideReason, EtlError, type QuarantineAsk, type QuarantinePage } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import type { FileLedgerRepository } from './file-ledger.repository.ts';

/** Fence and ledger of file sinks for one attempt, in the state database. A ledger row goes in only while the fence that this attempt raised still stands. */
export class StateFileLedger implements FileLedger {
  private readonly state: StateDatabase;
  private readonly rowsOf: FileLedgerRepository;
  private readonly tenantId: string;
  private readonly raised = new Map<number, string>();
  constructor(state: StateDatabase, repository: FileLedgerRepository, tenantId: string) {
    this.state = state;
    this.rowsOf = repository;
    this.tenantId = tenantId;
  }

  async raise(target: string, holder: string): Promise<number> {
    const fence = await this.state.inTenantTx(this.tenantId, (tx) => this.rowsOf.raise(tx, target, holder));
    this.raised.set(fence, target);
    return fence;
  }
  holds(target: string, fence: number): Promise<boolean> {
    return this.state.inTenantTx(this.tenantId, (tx) => this.rowsOf.holds(tx, target, fence));
  }
  rows(runId: string, task: string): Promise<LedgerRow[]> {
    return this.state.inTenantTx(this.tenantId, (tx) => this.rowsOf.rows(tx, runId, task));
  }
  /** @throws EtlError `lease.lost` when the fence of the row was raised by somebody else */
  add(runId: string, task: string, { aside, ...row }: NewLedgerRow): Promise<boolean> {
    return this.state.inTenantTx(this.tenantId, async (tx) => {
      const target = this.raised.get(row.fence);
      if (target !== undefined && !(await this.rowsOf.holds(tx, target, row.fence))) throw new EtlError('lease.lost');
      const isNew = await this.rowsOf.add(tx, { runId, task }, row);
      if (!isNew || !aside) return isNew;
      for await (const batch of aside.rows.batches()) await this.rowsOf.quarantine.add(tx, { ...aside, runId, task, chunkKey: row.chunkKey }, batch);
      return true;
    });
  }
  forgetAside(runId: string, task: string): Promise<void> { return this.state.inTenantTx(this.tenantId, (tx) => this.rowsOf.quarantine.forget(tx, runId, task)); }
  aside(runId: string, task: string): Promise<AsideReason[]> { return this.state.inTenantTx(this.tenantId, (tx) => this.rowsOf.quarantine.reasons(tx, runId, task)); }
  quarantine(target: string, ask: QuarantineAsk): Promise<QuarantinePage> { return this.state.inTenantTx(this.tenantId, (tx) => this.rowsOf.quarantine.page(tx, target, ask)); }
  forget(runId: string, task: string): Promise<void> {
    return this.state.inTenantTx(this.tenantId, (tx) => this.rowsOf.forget(tx, runId, task));
  }
}
