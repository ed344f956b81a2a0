import { type AsideLimit, type ColumnMapping, type Decision, EtlError, type Issue, type Judging, type OnFail, type PipelineCheck, type RowCheck, didYouMean, judgingChecks, keepsAside } from '@agent-etl/contracts';
import { type CopyInput, type Ruled, decide, plural } from '../decide.ts';
import { type WrittenCheck, checkProblem, nameOfCheck, writtenChecks } from './check-values.ts';

const USUAL: AsideLimit = { of: 'share', percent: 1 };

/** Whether rows are judged by what stands in other rows: then they have to be read in one piece. */
export const comparesRows = (judging: Judging | null | undefined): boolean => judging?.checks.some(({ check }) => check === 'unique') ?? false;
/** How much may be set aside, in words. */
export const limitText = (limit: AsideLimit): string => (limit.of === 'rows' ? plural(limit.rows, 'row') : `${limit.percent} % of the rows read`);

function limitOf(onFail: OnFail | undefined): AsideLimit | null {
  if (onFail === undefined || onFail === 'stop') return null;
  const { atMost } = onFail.quarantine;
  return atMost === undefined ? USUAL : limitFrom(atMost);
}
/** A number of rows, or a share of them, as it is written. */
export function limitFrom(atMost: number | string): AsideLimit {
  return typeof atMost === 'number' ? { of: 'rows', rows: atMost } : { of: 'share', percent: Number(atMost.slice(0, -1)) };
}

/** How rows are judged while they are read; null where the request asks for nothing of the kind.
 * @throws EtlError `request.invalid` with an issue per check, `request.unsupported` where nothing can be set aside */
export function ruleChecks({ pipeline: { name, checks = [], onFail, replays }, target }: CopyInput, columns: readonly ColumnMapping[]): Ruled<Judging | null> {
  if (replays && (target.connector === 'file' || !keepsAside.includes(target.connector))) throw new EtlError('request.unsupported', { found: `bringing rows back into ${target.connector}`, allowed: `the source: mend the rows there, then: agent-etl run ${replays.pipeline}` });
  const atMost = limitOf(onFail);
  const judging = judgingChecks(checks);
  if (!judging.length && !atMost) return { value: null, decisions: [], risks: [] };
  if (atMost && !keepsAside.includes(target.connector)) throw new EtlError('request.unsupported', { found: `onFail.quarantine into ${target.connector}`, allowed: 'onFail: stop' });
  const planned = checkedChecks(checks, columns).filter(({ severity }) => severity === 'error').map(({ check }) => check);
  const value: Judging = { pipeline: name, checks: [...planned.filter(({ check }) => check !== 'unique'), ...planned.filter(({ check }) => check === 'unique')], bad: atMost ? 'aside' : 'stop', atMost };
  return { value, risks: [], decisions: [...(planned.length ? [checksDecision(planned)] : []), badDecision(atMost, onFail)] };
}
/** The checks of a pipeline over the columns that travel, those that only warn among them.
 * @throws EtlError `request.invalid` with an issue per check */
export function checkedChecks(checks: readonly PipelineCheck[], columns: readonly ColumnMapping[]): readonly WrittenCheck[] {
  const written = askedChecks(checks, columns);
  refuse(written.flatMap(({ at, check }) => { const problem = checkProblem(check, columns); return problem ? [issueOf(at, problem, columns)] : []; }), columns);
  return written;
}
/** The same, whether they can be kept or not: what a plan is held against. */
export const askedChecks = (checks: readonly PipelineCheck[], columns: readonly ColumnMapping[]): readonly WrittenCheck[] => writtenChecks(checks).map((each) => ({ ...each, check: byTarget(each.check, columns) }));
/** Checks and limits as one text, whatever the order of their keys; the order of checks is the plan's. */
export const checksText = (checks: readonly { readonly check: RowCheck; readonly severity: string; readonly atMost: AsideLimit | null }[]): string => JSON.stringify(checks.map(({ check, severity, atMost }) =>
  [nameOfCheck(check), check.check === 'range' ? [check.from, check.to] : check.check === 'in' ? check.values : [], severity, limitSpelled(atMost)]).map((each) => JSON.stringify(each)).sort());
const limitSpelled = (limit: AsideLimit | null): string | null => limit && limitText(limit);
/** Whether rows are judged by what a pipeline asks for, and no more of them set aside. */
export const judgesAsAsked = ({ checks, atMost }: Judging, { checks: asked = [], onFail }: Pick<CopyInput['pipeline'], 'checks' | 'onFail'>, columns: readonly ColumnMapping[]): boolean => {
  const judged = (each: readonly RowCheck[]): string => checksText(each.map((check) => ({ check, severity: 'error', atMost: null })));
  return judged(checks) === judged(askedChecks(judgingChecks(asked), columns).map(({ check }) => check)) && limitSpelled(atMost) === limitSpelled(limitOf(onFail));
};
/** People know a column by either name. */
function byTarget(check: RowCheck, columns: readonly ColumnMapping[]): RowCheck {
  const named = (name: string): string => (columns.find(({ target }) => target === name) ?? columns.find(({ source }) => source === name))?.target ?? name;
  return check.check === 'unique' ? { ...check, columns: check.columns.map(named) } : { ...check, column: named(check.column) };
}
function issueOf(at: string, { at: end, text, name }: { at: string; text: string; name?: string }, columns: readonly ColumnMapping[]): Issue {
  const near = name === undefined ? null : didYouMean(name, columns.map(({ target }) => target));
  const path = name !== undefined && !/\/(range|in)$/.test(at) ? at : `${at}${end}`;
  return { code: name === undefined ? 'check.value' : 'check.column', path, text: `${text}${near ? `: ${near}` : ''}` };
}
function refuse(issues: readonly Issue[], columns: readonly ColumnMapping[]): void {
  const [first] = issues;
  if (first) throw new EtlError('request.invalid', { pointer: first.path, problem: first.text, next: `mend it in checks; columns that travel are ${columns.slice(0, 8).map(({ target }) => target).join(', ')}${columns.length > 8 ? ` and ${columns.length - 8} more` : ''}` }, { issues });
}
function checksDecision(checks: readonly RowCheck[]): Decision {
  const names = checks.map(nameOfCheck);
  const shown = names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');
  const isWhole = checks.some(({ check }) => check === 'unique');
  return decide('checks', shown, { by: 'person', why: ['asked', `Each row is judged while it is read, in one pass: ${plural(names.length, 'check')}, the first that breaks is the reason.${isWhole ? ' What has to be unique is judged over all rows, in one piece, among those that pass all else; the first row of a key stays.' : ''}`],
    rejected: [['checks after the load', 'Rows would have to be read again, and be taken out of the target.']] });
}
function badDecision(atMost: AsideLimit | null, onFail: OnFail | undefined): Decision {
  if (!atMost) {
    return decide('bad rows', 'stop', { by: onFail ? 'person' : 'rules', why: [onFail ? 'asked' : 'stop-first', 'The first bad row fails the run, and nothing is published.'], rejected: [['set aside', 'Nobody said how many rows may be missing: onFail: { quarantine: { atMost: 1% } }.']] });
  }
  const isGiven = typeof onFail === 'object' && onFail.quarantine.atMost !== undefined;
  return decide('bad rows', `set aside, at most ${limitText(atMost)}`, { by: isGiven ? 'person' : 'rules', why: [isGiven ? 'asked' : 'usual-limit', 'Rows that cannot be read, do not fit or break a check go into quarantine in the transaction of the rows beside them: read = written + rejected + filtered. More than that, and nothing is published.'],
    rejected: [['stop', 'One bad row would keep all others out.'], ['no limit', 'A source that is broken as a whole would be published as an empty table.']] });
}
/** What a plan holds of judging and may not: the same rules again, over the plan alone. */
export function judgingProblems(judging: Judging, columns: readonly ColumnMapping[], target: string): string[] {
  const wrong = judging.checks.flatMap((check) => { const problem = checkProblem(check, columns); return problem ? [`${nameOfCheck(check)}: ${problem.text}`] : []; });
  if ((judging.bad === 'aside') !== (judging.atMost !== null)) wrong.push('a limit belongs to rows that are set aside, and to no others');
  if (judging.bad === 'aside' && !keepsAside.includes(target)) wrong.push(`${target} keeps no rows that are set aside`);
  const first = judging.checks.findIndex(({ check }) => check === 'unique');
  if (first >= 0 && judging.checks.slice(first).some(({ check }) => check !== 'unique')) wrong.push('unique is judged last');
  return wrong;
}
