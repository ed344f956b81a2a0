import { Controller } from '@nestjs/common';
import { type Answer, type Call, endpoints } from '@agent-etl/contracts';
import { Input, Serves } from '@agent-etl/service-kit';
import { MetricsService } from '../metrics/metrics.service.ts';
import { ViewsService } from './views.service.ts';

@Controller()
export class ViewsController {
  constructor(private readonly views: ViewsService, private readonly metrics: MetricsService) {}

  @Serves(endpoints.listRunViews)
  list(@Input() { caller, query }: Call<typeof endpoints.listRunViews>): Promise<Answer<typeof endpoints.listRunViews>> {
    return this.views.list(caller.tenantId, query.limit ?? 50, query.cursor);
  }
  @Serves(endpoints.getRunView)
  get(@Input() { caller, params }: Call<typeof endpoints.getRunView>): Promise<Answer<typeof endpoints.getRunView>> {
    return this.views.get(caller.tenantId, params.runId);
  }
  @Serves(endpoints.queryMetrics)
  query(@Input() { caller, query }: Call<typeof endpoints.queryMetrics>): Promise<Answer<typeof endpoints.queryMetrics>> {
    return this.metrics.series(caller.tenantId, query.name);
  }
}
