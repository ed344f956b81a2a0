import type { Plan, PlanId, PlanTask, PlanView, Question, Verdict, planStatuses } from '@agent-etl/contracts';
import { lineageOf } from './lineage.ts';

export interface PlanFacts {
  readonly planId: PlanId; readonly requestId: string | null; readonly status: (typeof planStatuses)[number];
  readonly verdict: Verdict; readonly questions: Question[]; readonly createdAt: string;
}
const address = ({ connection, dataset }: { connection: string; dataset: string }): string => `${connection}.${dataset}`;
const stage = (load: string): string => `staging:${load}`;
const ends = (task: PlanTask): { reads: string[]; writes: string[] } => (task.kind === 'load'
  ? { reads: [task.source, ...(task.transform?.inputs ?? []).map(({ source }) => source)].map(address), writes: [stage(task.id)] } : { reads: [stage(task.load)], writes: [address(task.target)] });

/** A plan as scripts and screens read it. */
export const planView = (plan: Plan, facts: PlanFacts): PlanView => ({
  ...facts, planHash: facts.planId, pipeline: plan.pipeline.name, tasks: plan.tasks.map((task) => ({ ...task, ...ends(task) })),
  edges: plan.edges, schedule: plan.schedule, target: plan.target, decisions: plan.decisions, risk: plan.risk, risks: plan.risks, cost: plan.cost,
  lineage: plan.tasks.flatMap((task) => (task.kind === 'load' ? lineageOf(task, plan.pipeline.from.pii) : [])),
});

/** What a person sees of a plan that could not be made yet: the questions, and nothing that could run. */
export const questionView = (pipeline: Plan['pipeline'], facts: PlanFacts): PlanView => ({
  ...facts, planHash: facts.planId, pipeline: pipeline.name, tasks: [], edges: [], schedule: pipeline.schedule ?? null,
  target: { connection: pipeline.to.connection, dataset: pipeline.to.dataset, load: pipeline.to.load ?? 'append', ...(pipeline.to.key ? { key: pipeline.to.key } : {}) },
  decisions: [], risk: 'R0', risks: [], cost: { rows: [0, 0, 0], seconds: [0, 0, 0], usd: [0, 0, 0] },
});
