import type { Plan, PlanTask } from '@agent-etl/contracts';
import { assetName, datasetUri } from './asset-uri.ts';
import { shown } from './field-rules.ts';
import type { LiteralValue } from './literal.ts';
import { RECEIPT, edgesWithReceipt, topological } from './task-graph.ts';

/** An approved plan and what a DAG has to know besides it. */
export interface ApprovedPlan {
  readonly plan: Plan;
  /** sha256 of the plan: what the DAG names when it calls our API. */
  readonly planId: string;
  /** Name of the tenant, the first half of the DAG's id. */
  readonly tenant: string;
  /** Instant in UTC, before which no scheduled run is due: a start in the past would run at once when the DAG is unpaused. */
  readonly approvedAt: string;
  /** Addresses of connections, see `connectionAddress`: datasets of the others are no assets. */
  readonly addresses?: Readonly<Record<string, string>>;
}
/** How patient the tasks are. 60 s between two questions and 30 s before a new try, unless a test is in a hurry: under 30 s a loaded scheduler takes a live task for a lost one. */
export interface Pace { readonly pokeSeconds: number; readonly retrySeconds: number }
export const calm: Pace = { pokeSeconds: 60, retrySeconds: 30 };

export type AssetPair = readonly [name: string, uri: string];
interface SpecTask { readonly id: string; readonly limit_s: number; readonly reads: readonly AssetPair[]; readonly writes: readonly AssetPair[] }
/** The content of the literal. */
export interface DagSpec {
  readonly api: { readonly conn_id: string; readonly plan: string };
  readonly dag: {
    readonly id: string; readonly says: string; readonly doc: string; readonly owner: string; readonly tags: readonly string[]; readonly paused: boolean;
    readonly start: string; readonly cron?: string; readonly tz?: string; readonly poke_s: number; readonly retry_s: number; readonly timeout_s: number;
  };
  readonly tasks: readonly SpecTask[];
  readonly edges: readonly (readonly [string, string])[];
}
export const asLiteral = (spec: DagSpec): Readonly<Record<string, LiteralValue>> => ({
  api: spec.api, dag: Object.fromEntries(Object.entries(spec.dag).filter(([, value]) => value !== undefined)), tasks: spec.tasks.map((task) => ({ ...task })), edges: spec.edges,
});

// Airflow's own limits are only a net below ours: ten times the slow estimate, never under half an hour nor above a day.
const leastLimit = 1800;
const mostLimit = 86_400;
const receiptLimit = 300;
const sensorGrace = 600;
function limitSeconds(plan: Plan): number {
  const slow = plan.cost.seconds[2];
  return Number.isFinite(slow) ? Math.min(mostLimit, Math.max(leastLimit, Math.ceil(slow * 10))) : mostLimit;
}

const label = ({ connection, dataset }: { connection: string; dataset: string }): string => `${connection}.${dataset}`;
/** One line for the list of DAGs: what its owner wrote, else from where to where. */
const says = ({ pipeline }: Plan): string =>
  (pipeline.description ?? '').replaceAll(/[ \t\r\n]+/g, ' ').trim() || shown(`${label(pipeline.from)} to ${label(pipeline.to)}`, 1000).replaceAll(/[\n\t]/g, ' ');

/** What a person reads in Airflow: which plan this is and why it is as it is. Ends in a line feed, or Airflow could take it for the name of a file. */
function doc({ plan, planId }: ApprovedPlan): string {
  const reasons = plan.decisions.map(({ question, choice, reason }) => `- **${question}**: ${choice}. ${reason.text}`.replaceAll(/\s+/gu, ' '));
  const text = [`Plan ${planId}`, '', `${label(plan.pipeline.from)} to ${label(plan.pipeline.to)}, load ${plan.target.load}, risk ${plan.risk}.`, '', ...reasons].join('\n');
  return `${shown(text, 19_999)}\n`;
}

function assetsOf(task: PlanTask, addresses: Readonly<Record<string, string>>): Pick<SpecTask, 'reads' | 'writes'> {
  const pair = ({ connection, dataset }: { connection: string; dataset: string }): AssetPair[] => {
    const address = Object.hasOwn(addresses, connection) ? addresses[connection] : undefined;
    const uri = address === undefined ? null : datasetUri(address, dataset);
    return uri === null ? [] : [[assetName(connection, dataset), uri]];
  };
  // Where a dataset is really read or becomes visible, nowhere else: Airflow takes an outlet of a green task for new data.
  switch (task.kind) {
    case 'load': return { reads: pair(task.source), writes: [] };
    case 'publish': return { reads: [], writes: pair(task.target) };
  }
}

/** The content of a DAG, still unchecked. Task order is topological with ties by name, edges are sorted: the same plan gives the same content. */
export function dagSpec(approved: ApprovedPlan, connection: string, pace: Pace): DagSpec {
  const { plan, planId, tenant, approvedAt, addresses = {} } = approved;
  const ids = plan.tasks.map(({ id }) => id);
  const order = topological(ids, plan.edges) ?? ids;
  const limit = limitSeconds(plan);
  const tasks = order.flatMap((id) => plan.tasks.filter((task) => task.id === id)).map((task): SpecTask => ({ id: task.id, limit_s: limit, ...assetsOf(task, addresses) }));
  return {
    api: { conn_id: connection, plan: planId },
    dag: {
      id: `${tenant}-${plan.pipeline.name}`, says: says(plan), doc: doc(approved), owner: plan.pipeline.owner ?? 'agent-etl',
      tags: ['agent-etl', `tenant:${tenant}`], paused: true, start: approvedAt.replace(/\.\d+Z$/, 'Z'),
      ...(plan.schedule ? { cron: plan.schedule.cron, tz: plan.schedule.timezone ?? 'UTC' } : {}),
      poke_s: pace.pokeSeconds, retry_s: pace.retrySeconds, timeout_s: tasks.length * (limit + sensorGrace) + receiptLimit + sensorGrace,
    },
    tasks: [...tasks, { id: RECEIPT, limit_s: receiptLimit, reads: [], writes: [] }],
    edges: edgesWithReceipt(ids, plan.edges),
  };
}
