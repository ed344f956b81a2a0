import { type Answer, type Call, endpoints } from '@agent-etl/contracts';
import { Input, Serves } from '@agent-etl/service-kit';
import { Controller } from '@nestjs/common';
import { QuarantineService } from './quarantine.service.ts';

@Controller()
export class QuarantineController {
  constructor(private readonly quarantine: QuarantineService) {}

  @Serves(endpoints.readQuarantine)
  read(@Input() { caller, query: { pipeline, run, want, waiting, after, limit } }: Call<typeof endpoints.readQuarantine>): Promise<Answer<typeof endpoints.readQuarantine>> {
    return this.quarantine.read(caller.tenantId, { pipeline, runId: run ?? null, want: want ?? 'groups', waiting: waiting ?? 'all', after: after ?? 0, limit: limit ?? 50 });
  }
}
