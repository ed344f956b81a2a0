import type { Issue, Plan } from '@agent-etl/contracts';
import { fieldIssue, fieldRules } from './field-rules.ts';

export type Edge = readonly [before: string, after: string];
export const RECEIPT = 'receipt';
const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What is wrong with the tasks and edges of a plan: names, twins, edges into nothing, circles. */
export function graphIssues(plan: Pick<Plan, 'tasks' | 'edges'>): Issue[] {
  const ids = plan.tasks.map(({ id }) => id);
  const issues = ids.flatMap((id, at) => {
    const problem = fieldRules.taskId(id) ?? (ids.indexOf(id) < at ? 'is there twice' : null);
    return problem ? [fieldIssue(`tasks/${at}/id`, problem)] : [];
  });
  const loose = plan.edges.flatMap(([before, after], at) => (ids.includes(before) && ids.includes(after) ? [] : [fieldIssue(`edges/${at}`, 'names a task that is not there')]));
  if (issues.length || loose.length) return [...issues, ...loose];
  return topological(ids, plan.edges) === null ? [fieldIssue('edges', 'go round in a circle')] : [];
}

/** Task ids so that each comes after those it waits for, ties by name; null when the edges go round in a circle. */
export function topological(ids: readonly string[], edges: readonly Edge[]): string[] | null {
  const open = new Map(ids.map((id) => [id, new Set(edges.filter(([, after]) => after === id).map(([before]) => before))]));
  const order: string[] = [];
  while (open.size) {
    const [next] = [...open].filter(([, waits]) => waits.size === 0).map(([id]) => id).sort(byName);
    if (next === undefined) return null;
    open.delete(next);
    for (const waits of open.values()) waits.delete(next);
    order.push(next);
  }
  return order;
}

/** The edges of the DAG, sorted: those of the plan, and from every task nobody waits for to `receipt`, which therefore comes last. */
export function edgesWithReceipt(ids: readonly string[], edges: readonly Edge[]): Edge[] {
  const ends = ids.filter((id) => !edges.some(([before]) => before === id)).map((id): Edge => [id, RECEIPT]);
  const unique = new Map([...edges, ...ends].map((edge) => [edge.join(' '), edge]));
  return [...unique.values()].sort((a, b) => byName(a.join(' '), b.join(' ')));
}
