import { type AirflowTarget, EtlError, type Issue } from '@agent-etl/contracts';
import { type ApprovedPlan, type DagSpec, type Pace, asLiteral, calm, dagSpec } from './dag-spec.ts';
import { lintDag } from './lint-dag.ts';
import { literalText } from './literal.ts';
import { head, tail } from './skeleton.ts';
import { specIssues } from './spec-rules.ts';
import { graphIssues } from './task-graph.ts';

/** A rendered DAG, not yet written anywhere. `fileName` holds no folder. */
export interface RenderedDag { readonly dagId: string; readonly fileName: string; readonly target: string; readonly spec: DagSpec; readonly text: string }

function refuse(issues: readonly Issue[]): void {
  const [first] = issues;
  if (!first) return;
  const field = first.path.slice(1);
  throw new EtlError('dag.invalid', { field, problem: first.text.slice(field.length + 1) }, { issues });
}

/** Renders an approved plan as an Airflow DAG: constant text around one literal, byte-identical for the same plan.
 * The file needs nothing of ours inside Airflow but one HTTP connection; its last task, `receipt`, is green only when the run has reconciled.
 * @param target what the policy says of Airflow; minor 3.3, flavour http and connection `agent_etl` when left out
 * @throws EtlError `dag.invalid` that names the first field Airflow could not take, with every other one as issues */
export function renderDag(approved: ApprovedPlan, target: AirflowTarget = {}, pace: Pace = calm): RenderedDag {
  refuse(graphIssues(approved.plan));
  const spec = dagSpec(approved, target.connection ?? 'agent_etl', pace);
  refuse(specIssues(spec));
  const kind = spec.dag.cron === undefined ? 'none' : 'cron';
  const text = `${head(kind, approved.planId)}${literalText(asLiteral(spec))}${tail(kind)}`;
  refuse(lintDag(text));
  return { dagId: spec.dag.id, fileName: `${spec.dag.id}.py`, target: `airflow ${target.minor ?? '3.3'} ${target.flavour ?? 'http'}`, spec, text };
}
