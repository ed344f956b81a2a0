import { setTimeout as sleep } from 'node:timers/promises';
import { type DagArtifact, EtlError, PlanId } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import type { DagArtifactEntity } from './dag-artifact.entity.ts';
import { DagArtifactsRepository } from './dag-artifacts.repository.ts';
import { asError } from './rendering-rules.ts';

const patienceMs = 5000;
const lookMs = 100;

/** DAGs as people read them. */
@Injectable()
export class DagsService {
  constructor(private readonly state: StateDatabase, private readonly artifacts: DagArtifactsRepository) {}

  /** The DAG of a plan; one that is just being rendered is waited for, five seconds at most.
   * @throws EtlError `access.not-found`, or why it could not be made */
  async view(tenantId: string, planId: string): Promise<DagArtifact> {
    let artifact = await this.#find(tenantId, planId);
    for (let waited = 0; artifact?.state === 'waiting' && waited < patienceMs; waited += lookMs) {
      await sleep(lookMs);
      artifact = await this.#find(tenantId, planId);
    }
    if (artifact?.state === 'failed' && artifact.failure) throw asError(artifact.failure);
    if (artifact?.dagId == null || artifact.body === null || !artifact.publishedAt) throw new EtlError('access.not-found', { what: 'DAG: its plan is not approved, or it is still being rendered' });
    const { dagId, target, digest, path, body, publishedAt } = artifact;
    return { planId: PlanId.parse(planId), dagId, target: target ?? '', digest: digest ?? '', path, text: body, publishedAt: publishedAt.toISOString() };
  }
  #find(tenantId: string, planId: string): Promise<DagArtifactEntity | null> {
    return this.state.inTenantTx(tenantId, (tx) => this.artifacts.find(tx, planId));
  }
}
