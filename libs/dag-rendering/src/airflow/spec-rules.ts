import type { Issue } from '@agent-etl/contracts';
import { cronProblem, zoneProblem } from '@agent-etl/scheduling';
import type { AssetPair, DagSpec } from './dag-spec.ts';
import { type FieldRule, fieldIssue, fieldRules } from './field-rules.ts';

const broken = (field: string, problem: string | null): Issue[] => (problem === null ? [] : [fieldIssue(field, problem)]);
const checked = (field: string, rule: FieldRule, text: string): Issue[] => broken(field, fieldRules[rule](text));

function tagIssues(tags: readonly string[]): Issue[] {
  return tags.flatMap((tag, at) => [...checked(`tags/${at}`, 'tag', tag), ...(tags.indexOf(tag) < at ? [fieldIssue(`tags/${at}`, 'is there twice')] : [])]);
}
function assetIssues(pairs: readonly AssetPair[]): Issue[] {
  return pairs.flatMap(([name, uri]) => [
    ...checked('asset/name', 'assetName', name), ...checked('asset/uri', 'assetUri', uri),
    ...(pairs.some(([other, otherUri]) => other === name && otherUri !== uri) ? [fieldIssue('asset/name', 'stands for two addresses')] : []),
  ]);
}
const secondsProblem = (seconds: number): string | null => (Number.isInteger(seconds) && seconds >= 1 && seconds <= 3600 ? null : 'must be whole seconds, 1 to 3600');

/** Every field of a DAG that Airflow, its database or its screens would choke on. Empty: the file may be written. */
export function specIssues({ api, dag, tasks }: DagSpec): Issue[] {
  return [
    ...checked('dag_id', 'dagId', dag.id), ...checked('description', 'description', dag.says), ...checked('doc', 'doc', dag.doc), ...checked('owner', 'owner', dag.owner),
    ...checked('connection', 'connection', api.conn_id), ...checked('plan', 'planId', api.plan), ...checked('approvedAt', 'start', dag.start),
    ...tagIssues(dag.tags), ...broken('pokeSeconds', secondsProblem(dag.poke_s)), ...broken('retrySeconds', secondsProblem(dag.retry_s)),
    ...(dag.cron === undefined ? [] : broken('schedule/cron', cronProblem(dag.cron, dag.start))), ...(dag.tz === undefined ? [] : broken('schedule/timezone', zoneProblem(dag.tz))),
    ...assetIssues(tasks.flatMap(({ reads, writes }) => [...reads, ...writes])),
  ];
}
