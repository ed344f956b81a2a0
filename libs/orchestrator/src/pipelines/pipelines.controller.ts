import { type Answer, type Call, endpoints } from '@agent-etl/contracts';
import { Input, Serves } from '@agent-etl/service-kit';
import { Controller } from '@nestjs/common';
import { ReconcilesService } from '../planning/reconciles.service.ts';
import { RequestsService } from '../requests/requests.service.ts';
import { SchedulesService } from '../schedules/schedules.service.ts';
import { PipelinesService } from './pipelines.service.ts';

@Controller()
export class PipelinesController {
  constructor(
    private readonly pipelines: PipelinesService, private readonly requests: RequestsService, private readonly reconciles: ReconcilesService, private readonly schedules: SchedulesService,
  ) {}

  @Serves(endpoints.listPipelines)
  list(@Input() { caller, query }: Call<typeof endpoints.listPipelines>): Promise<Answer<typeof endpoints.listPipelines>> { return this.pipelines.list(caller.tenantId, query); }
  @Serves(endpoints.getPipeline)
  get(@Input() { caller, params }: Call<typeof endpoints.getPipeline>): Promise<Answer<typeof endpoints.getPipeline>> { return this.pipelines.get(caller.tenantId, params.name); }
  @Serves(endpoints.reconcilePipeline)
  reconcile(@Input() { caller, params }: Call<typeof endpoints.reconcilePipeline>): Promise<Answer<typeof endpoints.reconcilePipeline>> { return this.reconciles.start(caller.tenantId, params.name); }
  @Serves(endpoints.runPipeline)
  run(@Input() { caller, params, query, idempotencyKey }: Call<typeof endpoints.runPipeline>): Promise<Answer<typeof endpoints.runPipeline>> {
    return this.requests.ask({ caller, key: idempotencyKey, wait: query.wait ?? 0, body: { pipeline: { name: params.name }, run: 'now' } });
  }
  @Serves(endpoints.pausePipeline)
  pause(@Input() { caller, params }: Call<typeof endpoints.pausePipeline>): Promise<Answer<typeof endpoints.pausePipeline>> { return this.schedules.pause({ tenantId: caller.tenantId, name: params.name, by: caller.name }); }
  @Serves(endpoints.resumePipeline)
  resume(@Input() { caller, params }: Call<typeof endpoints.resumePipeline>): Promise<Answer<typeof endpoints.resumePipeline>> { return this.schedules.resume({ tenantId: caller.tenantId, name: params.name }); }
}
