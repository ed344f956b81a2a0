import type { PlanView, RunView } from '@agent-etl/contracts';
import type { Paint } from '../screens/ansi.ts';
import { labelled } from '../screens/layout.ts';
import { durationText } from '../screens/numbers.ts';
import { runScreen } from '../screens/run-screen.ts';
import type { DemoCheck } from './demo-checks.ts';

const width = 96;
/** Text at the left, time at the right. */
export const withTime = (text: string, ms: number): string => `${text.padEnd(width - 9)} ${durationText(ms).padStart(8)}`;
export const headLine = (paint: Paint): string[] => [` ${paint('bold', 'AGENT-ORCHESTRATED ETL')}${'demo on real data, this machine only'.padStart(width - 23)}`, ''];
export const actLine = (paint: Paint, act: { number: number; of: number; say: string }): string[] => ['', ` ${paint('cyan', `${act.number} / ${act.of}`)}   "${act.say}"`];

const labels: Readonly<Record<string, string>> = { movement: 'plan', strategy: 'read' };
const shown = ['movement', 'steps', 'key', 'chunks', 'strategy', 'overlap', 'publish', 'proof', 'bad rows'];
/** The choices that carry an act, a line each, with one option that lost. */
export function demoPlanLines(plan: PlanView, paint: Paint): string[] {
  const lines = plan.decisions.filter(({ question }) => shown.includes(question)).flatMap(({ question, choice, reason, rejected }) => {
    const lost = rejected[0] ? labelled('', `not ${rejected[0].choice}: ${rejected[0].because}`, { indent: 5 }).map((line) => paint('dim', line)) : [];
    return [...labelled(labels[question] ?? question, `${choice}: ${reason.text}`, { indent: 3 }), ...lost];
  });
  return lines;
}
export const demoRunLines = (run: RunView, paint: Paint): string[] =>
  runScreen(run, paint).filter((line) => line.trim() !== '' && !line.includes('green')).map((line) => `  ${line}`);
export const failedChecks = (checks: readonly DemoCheck[], paint: Paint): string[] =>
  checks.filter(({ ok }) => !ok).map(({ name, expected, actual }) => ` ${paint('red', 'x')}  ${name}: expected ${expected}, got ${actual}`);

export interface DemoEnd { readonly seconds: number; readonly ok: boolean; readonly dags: readonly string[]; readonly result: string; readonly dashboard: string; readonly stays: 'stays' | 'ends'; readonly checks: number; readonly pipeline: string; readonly folder: string }
export function endLines({ seconds, ok, dags, result, dashboard, stays, checks, pipeline, folder }: DemoEnd, paint: Paint): string[] {
  const [first = 'none', ...more] = dags;
  return [
    '', ` ${ok ? paint('green', 'green') : paint('red', 'red')} in ${seconds.toFixed(1)} s, ${checks} checks`, `   DAGs        ${first}${more.length ? `  and ${more.length} more` : ''}`, `   result      ${result}`,
    `   dashboard   ${dashboard}        ${stays === 'stays' ? 'Ctrl-C ends; nothing is left running' : 'ended; nothing is left running'}`,
    `   try         npm run demo -- --kill       npx agent-etl explain ${pipeline} --project ${folder}`,
  ];
}
