import type { Decision, LineageColumn, PlanView } from '@agent-etl/contracts';
import type { Paint } from './ansi.ts';
import { labelled } from './layout.ts';
import { durationText, grouped } from './numbers.ts';

const shownShort: readonly Decision['question'][] = ['movement', 'steps', 'types', 'drift', 'key', 'strategy', 'overlap', 'chunks', 'load', 'deletes', 'partitions', 'publish', 'proof', 'schedule', 'checks', 'bad rows', 'quality', 'personal data'];

/** Where the questions of a plan stand. */
const column = { indent: 3, width: 10 };
const interval = ([low, middle, high]: readonly [number, number, number], text: (value: number) => string): string =>
  (low === high ? text(middle) : `${text(middle)} (${text(low)} to ${text(high)})`);

/** Choice and reason of a decision in one sentence. */
export const decisionText = ({ choice, reason }: Decision): string => `${choice}: ${reason.text}`;

/** A plan for the eye: choices with their reasons, risk, cost, questions. `every` also tells what lost and why. */
export function planScreen(plan: PlanView, paint: Paint, detail: 'short' | 'every' = 'short'): string[] {
  const lines = [` ${paint('bold', `plan ${plan.pipeline}`)}   ${plan.planId.slice(0, 12)}   ${plan.status}   risk ${plan.risk}`];
  for (const decision of plan.decisions) {
    if (detail === 'short' && !shownShort.includes(decision.question)) continue;
    lines.push(...labelled(decision.question, decisionText(decision), column));
    const losers = detail === 'every' ? decision.rejected : decision.rejected.slice(0, 1);
    for (const { choice, because } of losers) lines.push(...labelled('', `not ${choice}: ${because}`, column).map((line) => paint('dim', line)));
  }
  for (const [index, line] of lineageLines(plan.lineage ?? [], detail).entries()) lines.push(...labelled(index === 0 ? 'lineage' : '', line, column));
  lines.push(...labelled('cost', `${interval(plan.cost.rows, grouped)} rows, ${interval(plan.cost.seconds, (seconds) => durationText(seconds * 1000))}`, column));
  const warning = { ...column, painted: (label: string) => paint('yellow', label) };
  for (const risk of plan.risks) lines.push(...labelled('risk', risk, warning));
  for (const { path, text } of plan.verdict.issues) lines.push(...labelled('issue', `${path} ${text}`, { ...column, painted: (label) => paint('red', label) }));
  for (const { text, choices } of plan.questions) lines.push(...labelled('asks', `${text}${choices.length ? ` (${choices.join(' | ')})` : ''}`, warning));
  return lines;
}
/** What columns are made of: those that are more than their own source, and all of them in detail. */
function lineageLines(lineage: readonly LineageColumn[], detail: 'short' | 'every'): string[] {
  const isPlain = ({ column: name, from, pii, masked }: LineageColumn): boolean => from.length === 1 && from[0] === name && !pii.length && !masked.length;
  const told = lineage.filter((each) => detail === 'every' || !isPlain(each));
  if (!told.length) return [];
  const shown = detail === 'every' ? told : told.slice(0, MOST_LINES);
  const rest = lineage.length - shown.length;
  return [...shown.map(lineageText), ...(rest && detail === 'short' ? [`${rest} more: ${told.length > shown.length ? 'with agent-etl explain' : 'as they are'}`] : [])];
}
const MOST_LINES = 12;
const lineageText = ({ column: name, from, pii, masked }: LineageColumn): string =>
  `${name} <- ${from.length ? from.join(', ') : 'no column'}${pii.length ? `; personal: ${pii.join(', ')}` : ''}${masked.length ? `; masked: ${masked.join(', ')}` : ''}`;

export const tasksScreen = (plan: PlanView): string[] =>
  plan.tasks.map(({ id, kind, engine, reads, writes }) => `   ${id.padEnd(28)} ${kind.padEnd(8)} ${engine.padEnd(8)} ${reads.join(', ')} -> ${writes.join(', ')}`);
