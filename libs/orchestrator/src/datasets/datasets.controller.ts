import { type Answer, type Call, endpoints } from '@agent-etl/contracts';
import { Input, Serves } from '@agent-etl/service-kit';
import { Controller } from '@nestjs/common';
import { DatasetsService } from './datasets.service.ts';

@Controller()
export class DatasetsController {
  private readonly datasets: DatasetsService;
  constructor(datasets: DatasetsService) { this.datasets = datasets; }

  @Serves(endpoints.getDatasetProfile)
  get(@Input() { caller, params }: Call<typeof endpoints.getDatasetProfile>): Promise<Answer<typeof endpoints.getDatasetProfile>> { return this.datasets.get(caller.tenantId, params.id); }
  @Serves(endpoints.profileDataset)
  profile(@Input() { caller, params }: Call<typeof endpoints.profileDataset>): Promise<Answer<typeof endpoints.profileDataset>> { return this.datasets.profile(caller.tenantId, params.id); }
}
