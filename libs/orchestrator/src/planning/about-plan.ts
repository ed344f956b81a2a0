import { PipelineId, PipelineName, PlanId } from '@agent-etl/contracts';
import type { PlanEntity } from './plan.entity.ts';

/** What every message about a plan says of it. */
export const aboutPlan = (row: Pick<PlanEntity, 'pipelineId' | 'pipeline' | 'planId'>, requestId: string | null) =>
  ({ requestId, pipelineId: PipelineId.parse(row.pipelineId), pipeline: PipelineName.parse(row.pipeline), planId: PlanId.parse(row.planId) });
