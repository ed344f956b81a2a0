import { type Answer, type Call, endpoints } from '@agent-etl/contracts';
import { Input, Serves } from '@agent-etl/service-kit';
import { Controller } from '@nestjs/common';
import { BackfillsService } from './backfills.service.ts';

@Controller()
export class BackfillsController {
  private readonly backfills: BackfillsService;
  constructor(backfills: BackfillsService) { this.backfills = backfills; }

  @Serves(endpoints.backfillPipeline)
  start(@Input() { caller, params, body, idempotencyKey: key }: Call<typeof endpoints.backfillPipeline>): Promise<Answer<typeof endpoints.backfillPipeline>> {
    return this.backfills.start({ tenantId: caller.tenantId, name: params.name, by: caller.name, key, body });
  }
  @Serves(endpoints.listBackfills)
  list(@Input() { caller, params, query }: Call<typeof endpoints.listBackfills>): Promise<Answer<typeof endpoints.listBackfills>> { return this.backfills.list(caller.tenantId, params.name, query); }
  @Serves(endpoints.getBackfill)
  get(@Input() { caller, params }: Call<typeof endpoints.getBackfill>): Promise<Answer<typeof endpoints.getBackfill>> { return this.backfills.get(caller.tenantId, params.name, params.backfillId); }
}
