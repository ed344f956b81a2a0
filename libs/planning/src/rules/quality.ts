import { EtlError, type Measuring } from '@agent-etl/contracts';
import { type Columns, type CopyInput, type Ruled, decide, plural } from '../decide.ts';
import { checkedChecks, limitFrom, limitText } from './checks.ts';

/** Connectors whose sources count while they hold the picture that was read. */
export const measures: readonly string[] = ['postgres', 'file'];

/** What is counted of the rows beside the copy; null where nobody asks: it reads the source once more.
 * @throws EtlError `request.unsupported`, `request.invalid` */
export function ruleQuality({ pipeline: { checks = [], quality }, source }: CopyInput, columns: Columns): Ruled<Measuring | null> {
  const limited = checks.findIndex(({ severity, atMost }) => atMost !== undefined && severity !== 'warn');
  if (limited >= 0) throw new EtlError('request.invalid', { pointer: `/pipeline/checks/${limited}/atMost`, problem: 'a limit is for severity: warn', next: 'say severity: warn, or set bad rows aside with onFail: { quarantine: { atMost: 1% } }' });
  if (!quality && !checks.some(({ severity }) => severity === 'warn')) return { value: null, decisions: [], risks: [] };
  if (!measures.includes(source.connector)) throw new EtlError('request.unsupported', { found: `quality, or a check of severity warn, from ${source.connector}`, allowed: 'checks of severity error, or a source that is PostgreSQL or a file' });
  const written = checkedChecks(checks, [...columns]).map(({ check, severity, atMost }) => ({ check, severity, atMost: atMost === null ? null : limitFrom(atMost) }));
  const value: Measuring = { checks: written, atLeast: quality?.atLeast ?? null };
  const limits = written.flatMap(({ atMost }) => (atMost ? [limitText(atMost)] : []));
  return { value, risks: [], decisions: [decide('quality', `NULLs of ${plural(columns.length, 'column')} and ${plural(written.length, 'check')} are counted`, {
    by: 'person', why: ['asked', `One more statement under the picture that was read${value.atLeast === null ? '' : `; below a score of ${value.atLeast} nothing is published`}${limits.length ? `; limits: ${limits.join(', ')}` : ''}.`],
    rejected: [['count on the way', 'Rows that are not judged pass undecoded, and nobody looks into them.']] })] };
}
