import { EtlError, type Receipt, type RunEventView, type RunView, isFinal } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { pageOf, readCursor } from '../page-cursor.ts';
import { Changes } from '../signals/changes.service.ts';
import { runView } from './run-view.ts';
import { RunsRepository } from './runs.repository.ts';

interface ListQuery { readonly limit?: number | undefined; readonly cursor?: string | undefined; readonly pipeline?: string | undefined }

/** Runs as they are. */
@Injectable()
export class RunQueries {
  constructor(private readonly state: StateDatabase, private readonly runs: RunsRepository, private readonly changes: Changes) {}

  async list(tenantId: string, { limit = 50, cursor, pipeline }: ListQuery): Promise<{ items: RunView[]; next: string | null }> {
    const after = readCursor(cursor);
    const found = await this.state.inTenantTx(tenantId, (tx) => this.runs.list(tx, { limit: limit + 1, after, pipeline }));
    const { rows, next } = pageOf(found, limit, ({ startedAt, runId }) => ({ at: startedAt, id: runId }));
    return { items: rows.map(runView), next };
  }
  /** @param wait seconds to wait for the end before answering; 0 answers at once */
  get(tenantId: string, runId: string, wait: number): Promise<RunView> {
    const read = () => this.state.inTenantTx(tenantId, async (tx) => runView(await this.runs.get(tx, runId)));
    return wait > 0 ? this.changes.until(runId, wait, { read, settled: ({ state }) => isFinal(state) }) : read();
  }
  async events(tenantId: string, runId: string, { limit = 50, cursor }: Pick<ListQuery, 'limit' | 'cursor'>): Promise<{ items: RunEventView[]; next: string | null }> {
    const after = readCursor(cursor)?.id ?? null;
    if (after !== null && !/^\d{1,18}$/.test(after)) throw new EtlError('request.invalid', { pointer: '/query/cursor', problem: 'is not the `next` of an earlier page' });
    const found = await this.state.inTenantTx(tenantId, async (tx) => { await this.runs.get(tx, runId); return this.runs.events(tx, runId, { limit: limit + 1, after }); });
    const { rows, next } = pageOf(found, limit, ({ seq }) => ({ at: '', id: String(seq) }));
    return { items: rows, next };
  }
  /** @throws EtlError `access.not-found` when there is no run, or no receipt yet */
  async receipt(tenantId: string, runId: string): Promise<Receipt> {
    const { receipt } = await this.get(tenantId, runId, 0);
    if (!receipt) throw new EtlError('access.not-found', { what: 'receipt: only a green run has one' });
    return receipt;
  }
}
