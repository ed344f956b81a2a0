import { type PipelineView } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { pageOf, readCursor } from '../page-cursor.ts';
import { PipelinesRepository, pipelineView } from './pipelines.repository.ts';

@Injectable()
export class PipelinesService {
  constructor(private readonly state: StateDatabase, private readonly pipelines: PipelinesRepository) {}

  async list(tenantId: string, { limit = 50, cursor }: { limit?: number | undefined; cursor?: string | undefined }): Promise<{ items: PipelineView[]; next: string | null }> {
    const after = readCursor(cursor)?.id ?? null;
    const found = await this.state.inTenantTx(tenantId, (tx) => this.pipelines.list(tx, { limit: limit + 1, after }));
    const { rows, next } = pageOf(found, limit, ({ name }) => ({ at: '', id: name }));
    return { items: rows.map(pipelineView), next };
  }
  get(tenantId: string, name: string): Promise<PipelineView> {
    return this.state.inTenantTx(tenantId, async (tx) => pipelineView(await this.pipelines.get(tx, name)));
  }
}
