import type { Issue, LoadTask, Plan, Policy } from '@agent-etl/contracts';
import { lineageOf } from './lineage.ts';
import { maskKeyIssues } from './verify-mask-keys.ts';

/** Personal data in a target that may not hold it, found again in the plan alone. */
export function personalDataIssues({ pipeline: { from, to, onFail }, profiles }: Plan, loads: readonly LoadTask[], { pii: policy }: Policy): Issue[] {
  if (!from.pii?.length) return [];
  const unknown = loads.flatMap(({ id, transform }) => {
    const names = (transform?.input ?? profiles.source.columns).map(({ name }) => name);
    return from.pii!.filter((name) => !names.includes(name)).map((name) => issue(`/pipeline/from/pii`, `The source of ${id} has no column ${name}.`));
  });
  if (!policy || policy.clearIn.includes(to.connection)) return unknown;
  const allowed = policy.clearIn.length ? `only ${policy.clearIn.join(', ')} may hold it as it is` : 'no connection may hold it as it is';
  const clear = loads.flatMap((load) => lineageOf(load, from.pii).filter(({ pii }) => pii.length).map(({ column, pii }) =>
    issue(`/tasks/${load.id}/columns/${column}`, `${column} holds personal data of ${pii.join(', ')} unmasked, and ${allowed}; put a step mask before it, or drop it.`)));
  const aside = typeof onFail === 'object' ? [issue('/pipeline/onFail', `Rows that are set aside are kept in ${to.connection} as they were read, with their personal data, and ${allowed}; use onFail: stop.`)] : [];
  return [...unknown, ...clear, ...aside];
}
/** What a policy forbids of a whole plan: what it says today may forbid what it let pass. */
export function policyIssues(plan: Plan, policy: Policy): Issue[] {
  const loads = plan.tasks.filter((task) => task.kind === 'load');
  return [...personalDataIssues(plan, loads, policy), ...maskKeyIssues(plan, loads, policy)];
}
const issue = (path: string, text: string): Issue => ({ code: 'policy.pii', path, text });
