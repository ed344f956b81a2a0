import type { Issue, LoadTask, Plan } from '@agent-etl/contracts';
import { checkProblem, nameOfCheck } from './rules/check-values.ts';
import { askedChecks, checksText, limitFrom } from './rules/checks.ts';
import { measures } from './rules/quality.ts';

/** What a plan measures must be what was asked for, and must be countable. */
export function qualityIssues({ pipeline: { checks = [], quality }, profiles: { source } }: Plan, loads: readonly LoadTask[]): Issue[] {
  const isAsked = quality !== undefined || checks.some(({ severity }) => severity === 'warn');
  return loads.flatMap(({ id, measuring, columns }) => {
    const issue = (text: string): Issue => ({ code: 'quality.other', path: `/tasks/${id}/measuring`, text });
    if (!measuring) return isAsked ? [issue('Nothing is measured, and the request asks for it.')] : [];
    const wrong = measuring.checks.flatMap(({ check }) => { const problem = checkProblem(check, columns); return problem ? [issue(`${nameOfCheck(check)}: ${problem.text}.`)] : []; });
    if (checksText(measuring.checks) !== checksText(askedChecks(checks, columns).map(({ atMost, ...each }) => ({ ...each, atMost: atMost === null ? null : limitFrom(atMost) })))) wrong.push(issue('The checks that are counted are not those that were asked for.'));
    if (!isAsked) wrong.push(issue('Nobody asked for a measure.'));
    if (measuring.atLeast !== (quality?.atLeast ?? null)) wrong.push(issue('The least score is not the one that was asked for.'));
    if (!measures.includes(source.connector)) wrong.push(issue(`A ${source.connector} source measures nothing.`));
    return wrong;
  });
}
