import { type Answer, type Call, endpoints } from '@agent-etl/contracts';
import { Input, Serves } from '@agent-etl/service-kit';
import { Controller } from '@nestjs/common';
import { AirflowService } from './airflow.service.ts';

@Controller()
export class AirflowController {
  private readonly airflow: AirflowService;
  constructor(airflow: AirflowService) { this.airflow = airflow; }

  @Serves(endpoints.putAirflowTaskRun)
  put(@Input() { caller, params, body }: Call<typeof endpoints.putAirflowTaskRun>): Promise<Answer<typeof endpoints.putAirflowTaskRun>> { return this.airflow.ensure(caller.tenantId, params.planId, body); }
  @Serves(endpoints.postAirflowDeadline)
  async deadline(@Input() { caller, body }: Call<typeof endpoints.postAirflowDeadline>): Promise<Answer<typeof endpoints.postAirflowDeadline>> {
    await this.airflow.deadlineMissed(caller.tenantId, { planId: body.plan, airflowRunId: body.run_id });
    return {};
  }
}
