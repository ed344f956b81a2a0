import { type AirflowTaskRun, type AirflowTaskState, PlanId } from '@agent-etl/contracts';
import { Outbox } from '@agent-etl/messaging';
import { StateDatabase } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { PlansRepository } from '../planning/plans.repository.ts';
import { Changes } from '../signals/changes.service.ts';
import { isSettledFor } from './airflow-rules.ts';
import { AirflowRuns } from './airflow-runs.service.ts';

type Asked = z.infer<typeof AirflowTaskRun>;

/** What a generated DAG calls: make sure that this task runs. Repeating a call is harmless. */
@Injectable()
export class AirflowService {
  constructor(private readonly state: StateDatabase, private readonly airflowRuns: AirflowRuns, private readonly changes: Changes, private readonly plans: PlansRepository, private readonly outbox: Outbox<'orchestrator'>) {}

  /** @throws EtlError `request.conflict` when tasks before it have not succeeded, `access.not-found`, `plan.changed`, `plan.needs-approval` */
  async ensure(tenantId: string, planId: string, asked: Asked): Promise<AirflowTaskState> {
    const runId = await this.state.inTenantTx(tenantId, (tx) => this.airflowRuns.ensure(tx, planId, asked));
    const read = () => this.state.inTenantTx(tenantId, (tx) => this.airflowRuns.look(tx, runId, asked.task));
    return asked.wait_s > 0 ? this.changes.until(runId, asked.wait_s, { read, settled: isSettledFor }) : read();
  }
  deadlineMissed(tenantId: string, { planId, airflowRunId }: { planId: string; airflowRunId: string }): Promise<void> {
    return this.state.inTenantTx(tenantId, async (tx) => {
      await this.plans.lock(tx, planId);
      tx.hold(planId);
      await this.outbox.add(tx, 'run.deadline-missed.v1', { planId: PlanId.parse(planId), airflowRunId });
    });
  }
}
