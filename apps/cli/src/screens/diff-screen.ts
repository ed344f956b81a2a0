import type { PlanView } from '@agent-etl/contracts';
import type { PlanDiff } from '@agent-etl/planning';
import type { Tone, Paint } from './ansi.ts';
import { labelled } from './layout.ts';

const marks: Readonly<Record<PlanDiff['changes'][number]['does'], readonly [sign: string, colour: Tone]>> = { destroys: ['!', 'red'], alters: ['~', 'yellow'], adds: ['+', 'green'] };

/** How two plans differ, what destroys first, and what a person has to know of the second. */
export function diffScreen({ before, after, pipeline, risk, changes }: PlanDiff, plan: PlanView, paint: Paint): string[] {
  const lines = [` ${paint('bold', `diff ${pipeline}`)}   ${before.slice(0, 12)} -> ${after.slice(0, 12)}   ${plan.status}   risk ${risk.before === risk.after ? risk.after : `${risk.before} -> ${risk.after}`}`];
  if (changes.length === 0) lines.push('   nothing differs');
  for (const { does, about, text } of changes) {
    const [sign, colour] = marks[does];
    lines.push(...labelled(`${sign} ${about}`, text, { indent: 3, width: 20, painted: (label) => paint(colour, label) }));
  }
  for (const text of plan.risks) lines.push(...labelled('risk', text, { indent: 3, width: 20, painted: (label) => paint('yellow', label) }));
  if (plan.status === 'proposed' && plan.verdict.ok && plan.questions.length === 0) lines.push(`   next    agent-etl apply ${plan.planId.slice(0, 12)} --approve`);
  return lines;
}
