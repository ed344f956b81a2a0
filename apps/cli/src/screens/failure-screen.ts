import type { Failure } from '@agent-etl/contracts';
import { type Paint, printable } from './ansi.ts';
import { labelled, wrap } from './layout.ts';

export interface FailureContext {
  /** Connection, pipeline or file the sentence is about. */
  readonly subject?: string | undefined;
  /** What the failure left behind, such as the number of published rows. */
  readonly state?: string | undefined;
}
const cellLine = ({ row, column, value, target }: NonNullable<Failure['cell']>): string =>
  [row === null ? '' : `row ${row}`, `column ${printable(column)}`, `value ${printable(value)}`, `target ${printable(target)}`].filter(Boolean).join('   ');

/** Issues that the sentence has not told already. A place in a file that it did not name is told too. */
const untold = ({ text, issues = [] }: Failure): NonNullable<Failure['issues']> => issues.filter((issue) =>
  !text.toLowerCase().includes(issue.text.replace(/[.?!]$/, '').toLowerCase()) || (/:\d+:\d+$/.test(issue.path) && !text.includes(issue.path)));

/** A failure as four short lines: the sentence, the value that did not fit, what to do next, what is left, the code. */
export function failureScreen(failure: Failure, paint: Paint, { subject, state }: FailureContext = {}): string[] {
  const text = subject && !failure.text.startsWith(subject) ? `${subject}: ${failure.text}` : failure.text;
  const [first = '', ...rest] = wrap(text, 90);
  const lines = [` ${paint('red', 'x')}  ${first}`, ...rest.map((line) => `    ${line}`)];
  if (failure.cell) lines.push(`    ${cellLine(failure.cell)}`);
  for (const { key, is } of failure.rows ?? []) lines.push(`    ${is.padEnd(9)} row ${printable(key.map((value) => value ?? 'NULL').join(', '))}`);
  for (const { path, text: problem } of untold(failure)) lines.push(...wrap(`- ${path} ${problem}`, 90).map((line) => `    ${line}`));
  if (failure.next) lines.push(...labelled('next', failure.next, { indent: 4 }));
  if (state) lines.push(...labelled('state', state, { indent: 4 }));
  lines.push(paint('dim', `    code    ${failure.code}${failure.traceId ? `   trace ${failure.traceId}` : ''}`));
  return lines;
}
