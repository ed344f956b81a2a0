import { Controller } from '@nestjs/common';
import { type Answer, type Call, endpoints } from '@agent-etl/contracts';
import { Input, Serves } from '@agent-etl/service-kit';
import { DeadLettersService } from './dead-letters.service.ts';

@Controller()
export class DeadLettersController {
  constructor(private readonly letters: DeadLettersService) {}

  @Serves(endpoints.listDeadLetters)
  list(@Input() { caller, query }: Call<typeof endpoints.listDeadLetters>): Promise<Answer<typeof endpoints.listDeadLetters>> {
    return this.letters.list(caller.tenantId, query.limit ?? 50, query.cursor);
  }
  @Serves(endpoints.getDeadLetter)
  get(@Input() { caller, params }: Call<typeof endpoints.getDeadLetter>): Promise<Answer<typeof endpoints.getDeadLetter>> {
    return this.letters.get(caller.tenantId, params.id);
  }
}
