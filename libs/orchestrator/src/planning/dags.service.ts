import type { Payload } from '@agent-etl/contracts';
import type { TenantTx } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { PlansRepository } from './plans.repository.ts';

@Injectable()
export class DagsService {
  private readonly plans: PlansRepository;
  constructor(plans: PlansRepository) { this.plans = plans; }
  /** Notes beside the plan where its DAG is, or why there is none. */
  keep(tx: TenantTx, event: Payload<'dag.published.v1'> | Payload<'dag.failed.v1'>): Promise<void> { return this.plans.setDag(tx, event.planId, event); }
}
