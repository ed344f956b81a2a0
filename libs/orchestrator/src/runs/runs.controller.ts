import { type Answer, type Call, endpoints } from '@agent-etl/contracts';
import { Input, Serves } from '@agent-etl/service-kit';
import { Controller } from '@nestjs/common';
import { RetriesService } from '../planning/retries.service.ts';
import { RunQueries } from './run-queries.service.ts';
import { RunsService } from './runs.service.ts';

@Controller()
export class RunsController {
  constructor(private readonly queries: RunQueries, private readonly runs: RunsService, private readonly retries: RetriesService) {}

  @Serves(endpoints.listRuns)
  list(@Input() { caller, query }: Call<typeof endpoints.listRuns>): Promise<Answer<typeof endpoints.listRuns>> { return this.queries.list(caller.tenantId, query); }
  @Serves(endpoints.getRun)
  get(@Input() { caller, params, query }: Call<typeof endpoints.getRun>): Promise<Answer<typeof endpoints.getRun>> { return this.queries.get(caller.tenantId, params.runId, query.wait ?? 0); }
  @Serves(endpoints.getReceipt)
  receipt(@Input() { caller, params }: Call<typeof endpoints.getReceipt>): Promise<Answer<typeof endpoints.getReceipt>> { return this.queries.receipt(caller.tenantId, params.runId); }
  @Serves(endpoints.listRunEvents)
  events(@Input() { caller, params, query }: Call<typeof endpoints.listRunEvents>): Promise<Answer<typeof endpoints.listRunEvents>> { return this.queries.events(caller.tenantId, params.runId, query); }
  @Serves(endpoints.cancelRun)
  cancel(@Input() { caller, params }: Call<typeof endpoints.cancelRun>): Promise<Answer<typeof endpoints.cancelRun>> { return this.runs.cancel(caller.tenantId, params.runId, `${caller.name} asked`); }
  @Serves(endpoints.retryRun)
  retry(@Input() { caller, params, idempotencyKey: key }: Call<typeof endpoints.retryRun>): Promise<Answer<typeof endpoints.retryRun>> { return this.retries.retry({ tenantId: caller.tenantId, runId: params.runId, key }); }
}
