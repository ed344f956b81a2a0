import { type Answer, type Call, endpoints } from '@agent-etl/contracts';
import { Input, Serves } from '@agent-etl/service-kit';
import { Controller } from '@nestjs/common';
import { DagsService } from './dags.service.ts';

@Controller()
export class DagsController {
  constructor(private readonly dags: DagsService) {}

  @Serves(endpoints.getDag)
  get(@Input() { caller, params }: Call<typeof endpoints.getDag>): Promise<Answer<typeof endpoints.getDag>> { return this.dags.view(caller.tenantId, params.planId); }
}
