import { type PipelineView } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { pageOf, readCursor } from '../page-cursor.ts';
import { SchedulesRepository } from '../schedules/schedules.repository.ts';
import { PipelinesRepository, pipelineView } from './pipelines.repository.ts';

@Injectable()
export class PipelinesService {
  constructor(private readonly state: StateDatabase, private readonly pipelines: PipelinesRepository, private readonly schedules: SchedulesRepository) {}

  async list(tenantId: string, { limit = 50, cursor }: { limit?: number | undefined; cursor?: string | undefined }): Promise<{ items: PipelineView[]; next: string | null }> {
    const after = readCursor(cursor)?.id ?? null;
    return this.state.inTenantTx(tenantId, async (tx) => {
      const { rows, next } = pageOf(await this.pipelines.list(tx, { limit: limit + 1, after }), limit, ({ name }) => ({ at: '', id: name }));
      const schedules = await this.schedules.views(tx, rows.map(({ pipelineId }) => pipelineId));
      return { items: rows.map((row) => pipelineView(row, schedules.get(row.pipelineId) ?? null)), next };
    });
  }
  get(tenantId: string, name: string): Promise<PipelineView> {
    return this.state.inTenantTx(tenantId, async (tx) => {
      const row = await this.pipelines.get(tx, name);
      return pipelineView(row, (await this.schedules.views(tx, [row.pipelineId])).get(row.pipelineId) ?? null);
    });
  }
}
