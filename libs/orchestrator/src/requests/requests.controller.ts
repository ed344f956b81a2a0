import { type Answer, type Call, endpoints } from '@agent-etl/contracts';
import { Input, Serves } from '@agent-etl/service-kit';
import { Controller } from '@nestjs/common';
import { RequestsService } from './requests.service.ts';

@Controller()
export class RequestsController {
  private readonly requests: RequestsService;
  constructor(requests: RequestsService) { this.requests = requests; }

  @Serves(endpoints.createRequest)
  create(@Input() { caller, query, body, idempotencyKey: key }: Call<typeof endpoints.createRequest>): Promise<Answer<typeof endpoints.createRequest>> {
    return this.requests.ask({ caller, key, wait: query.wait ?? 0, body });
  }
  @Serves(endpoints.createPlan)
  plan(@Input() { caller, query, body, idempotencyKey: key }: Call<typeof endpoints.createPlan>): Promise<Answer<typeof endpoints.createPlan>> {
    return this.requests.ask({ caller, key, wait: query.wait ?? 0, body: { ...body, run: 'never' } });
  }
  @Serves(endpoints.getRequest)
  get(@Input() { caller, params, query }: Call<typeof endpoints.getRequest>): Promise<Answer<typeof endpoints.getRequest>> { return this.requests.look(caller.tenantId, params.requestId, query.wait ?? 0); }
}
