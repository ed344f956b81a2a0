import { EtlError, type Issue, type Pipeline, type PipelineRequest, type Policy, knownConnectors } from '@agent-etl/contracts';
import { scheduleIssues } from '@agent-etl/scheduling';

interface Refusal { readonly path: string; readonly found: string; readonly allowed: string }
const issue = ({ path, found, allowed }: Refusal): Issue => ({ code: 'request.unsupported', path, text: `${found} is not supported; use ${allowed}.` });

function refusals({ onDrift, steps }: Pipeline): Refusal[] {
  const found: Refusal[] = [];
  if (onDrift === 'quarantine') found.push({ path: '/pipeline/onDrift', found: 'onDrift: quarantine', allowed: 'onDrift: stop or onDrift: evolve, since a changed shape is one of all rows and none can be set aside for it' });
  steps?.forEach((step, index) => {
    if (step.tokenize?.vault !== undefined) found.push({ path: `/pipeline/steps/${index}/tokenize/vault`, found: 'tokenize with a vault', allowed: 'tokenize with keyRef; tokens that can be turned back need a vault that keeps what they stand for, and there is none' });
  });
  return found;
}
/** What a pipeline asks for and this release does not have, each by name with what exists. */
export const unsupported = (pipeline: Pipeline): Issue[] => refusals(pipeline).map(issue);

/** @throws EtlError `request.unsupported`; `request.invalid` a schedule that nobody can keep */
export function assertSupported(pipeline: Pipeline): void {
  refuse(refusals(pipeline));
  const issues = pipeline.schedule ? scheduleIssues(pipeline.schedule, '/pipeline/schedule') : [];
  const first = issues[0];
  if (first) throw new EtlError('request.invalid', { pointer: first.path, problem: first.text, next: 'five fields and an IANA zone, such as: schedule: { cron: "15 1 * * *", timezone: Europe/Lisbon }' }, { issues });
}

/** Refuses what a request holds beside its pipeline. @throws EtlError `request.unsupported`, `request.invalid` */
export function assertRequestSupported({ say, pipeline }: PipelineRequest): void {
  if (say !== undefined) refuse([{ path: '/say', found: 'say', allowed: 'pipeline: { name, from, to }' }]);
  if (!pipeline) throw new EtlError('request.invalid', { pointer: '/pipeline', problem: 'a pipeline is needed: { name, from, to }' });
}

/** Parts of a policy that this release does not have. @throws EtlError `request.unsupported` */
export function assertPolicySupported({ budgets, egress, approve }: Policy): void {
  refuse([
    ...(budgets ? [{ path: '/policy/budgets', found: 'policy.budgets', allowed: 'policy.approve and policy.airflow' }] : []),
    ...(egress ? [{ path: '/policy/egress', found: 'policy.egress', allowed: 'policy.approve and policy.airflow' }] : []),
    ...(approve?.second ? [{ path: '/policy/approve/second', found: 'policy.approve.second', allowed: 'policy.approve.upTo' }] : []),
  ]);
}

/** @throws EtlError `request.unsupported` when this release has no such connector */
export function assertConnector(connector: string): void {
  if (!(knownConnectors as readonly string[]).includes(connector)) refuse([{ path: '/connector', found: `connector ${connector}`, allowed: knownConnectors.join(' or ') }]);
}

function refuse(found: readonly Refusal[]): void {
  const first = found[0];
  if (first) throw new EtlError('request.unsupported', { found: found.map((each) => each.found).join(', '), allowed: first.allowed }, { issues: found.map(issue) });
}
