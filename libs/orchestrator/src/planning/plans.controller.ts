import { type Answer, type Call, endpoints } from '@agent-etl/contracts';
import { Input, Serves } from '@agent-etl/service-kit';
import { Controller } from '@nestjs/common';
import { PlansService } from './plans.service.ts';

@Controller()
export class PlansController {
  private readonly plans: PlansService;
  constructor(plans: PlansService) { this.plans = plans; }

  @Serves(endpoints.listPlans)
  list(@Input() { caller, query }: Call<typeof endpoints.listPlans>): Promise<Answer<typeof endpoints.listPlans>> { return this.plans.list(caller.tenantId, query); }
  @Serves(endpoints.getPlan)
  get(@Input() { caller, params }: Call<typeof endpoints.getPlan>): Promise<Answer<typeof endpoints.getPlan>> { return this.plans.get(caller.tenantId, params.planId); }
  @Serves(endpoints.approvePlan)
  approve(@Input() { caller, params }: Call<typeof endpoints.approvePlan>): Promise<Answer<typeof endpoints.approvePlan>> { return this.plans.approve({ tenantId: caller.tenantId, planId: params.planId, by: caller.name }); }
  @Serves(endpoints.refusePlan)
  refuse(@Input() { caller, params }: Call<typeof endpoints.refusePlan>): Promise<Answer<typeof endpoints.refusePlan>> { return this.plans.refuse({ tenantId: caller.tenantId, planId: params.planId, by: caller.name }); }
  @Serves(endpoints.runPlan)
  run(@Input() { caller, params, idempotencyKey: key }: Call<typeof endpoints.runPlan>): Promise<Answer<typeof endpoints.runPlan>> { return this.plans.run({ tenantId: caller.tenantId, planId: params.planId, by: caller.name, key }); }
}
