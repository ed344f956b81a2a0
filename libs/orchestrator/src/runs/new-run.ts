import { type InspectTask, type Plan, type ProfileTask, type QuarantineTask, type ReconcileTask, type SketchTask, type TaskSpec } from '@agent-etl/contracts';
import { v7 } from 'uuid';
import { sketchKey } from '../datasets/dataset-rules.ts';
import { later } from './instant-rules.ts';
import type { RunRecord, RunTask } from './run-record.ts';

/** Somebody waits at a screen for what a look at a connection finds. */
export const INSPECT_MS = 60_000;
const freshTask = (spec: TaskSpec, after: readonly string[]): RunTask => ({
  taskRunId: v7(), id: spec.id, kind: spec.kind, spec, after, state: 'waiting', attempt: 0, failures: 0, losses: 0, readyAt: null,
  worker: null, progress: null, result: null, failure: null, startedAt: null, finishedAt: null });
const base = (now: string) => ({ runId: v7(), state: 'queued', cancelReason: null, startedAt: now, finishedAt: null, receipt: null, failure: null, ignored: 0 } as const);

/** The dataset that only one live run may write. */
export const targetKey = ({ connection, dataset }: { connection: string; dataset: string }): string => `${connection}.${dataset}`;

export interface CopyFor { readonly planId: string; readonly plan: Plan; readonly pipelineId: string; readonly requestId: string | null; readonly approvedBy: string; readonly now: string; readonly deadlineMs: number; readonly driver: RunRecord['driver'] }
export const copyRun = ({ planId, plan, pipelineId, requestId, approvedBy, now, deadlineMs, driver }: CopyFor): RunRecord => ({
  ...base(now), kind: 'copy', planId, requestId, pipelineId, pipeline: plan.pipeline.name, driver, targetKey: targetKey(plan.target), approvedBy, deadline: later(now, deadlineMs),
  tasks: plan.tasks.map((task) => freshTask(task, plan.edges.filter(([, after]) => after === task.id).map(([before]) => before))) });

export interface LookFor { readonly spec: ProfileTask | InspectTask | ReconcileTask | SketchTask | QuarantineTask; readonly pipeline: string; readonly pipelineId: string | null; readonly requestId: string | null; readonly now: string; readonly deadlineMs: number }
/** A run that only looks: a profile before a plan, a connection that is tried, both ends of a pipeline compared, the values of a dataset profiled, or what was set aside read. */
export const lookRun = ({ spec, pipeline, pipelineId, requestId, now, deadlineMs }: LookFor): RunRecord => {
  const kind = spec.kind === 'profile' ? 'planning' : spec.kind;
  return { ...base(now), kind, planId: null, requestId, pipelineId, pipeline, driver: 'workers', targetKey: spec.kind === 'sketch' ? sketchKey(spec.source) : null, approvedBy: null, deadline: later(now, deadlineMs), tasks: [freshTask(spec, [])] };
};
