import type { Issue, Schedule } from '@agent-etl/contracts';
import { slotsOf } from './cron.ts';
import { zones } from './zones.ts';

const words = 'JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT';
const one = `(?:\\*|(?:\\d{1,2}|${words})(?:-(?:\\d{1,2}|${words}))?)(?:/\\d{1,2})?`;
const field = new RegExp(`^${one}(?:,${one})*$`, 'i');
/** Whether a time ever comes does not depend on when one asks. */
const LONG_AGO = '2026-01-01T00:00:00.000Z';

/** What is wrong with a cron text, or null. Five fields of numbers, names, lists, ranges and steps; `@daily`, seconds, years, L, W, # and ?
 * are refused because readers of cron disagree about them, and so is a time that never comes, such as 31 February.
 * @param from instant to look ahead from */
export function cronProblem(cron: string, from: string = LONG_AGO): string | null {
  const fields = cron.split(' ');
  if (fields.length !== 5) return 'must have five fields, one space between them';
  const odd = fields.find((text) => !field.test(text));
  if (odd !== undefined) return `has ${JSON.stringify(odd).slice(0, 40)}, which is not a number, name, list, range or step`;
  try {
    return slotsOf({ cron }).after(from) === null ? 'names a time that never comes' : null;
  } catch (error) {
    return `cannot be read: ${(error instanceof Error ? error.message : String(error)).slice(0, 120)}`;
  }
}

/** What is wrong with a time zone, or null: one of the IANA names that Airflow and we both know, in their exact spelling. */
export function zoneProblem(zone: string): string | null {
  if (zones.has(zone)) return null;
  const meant = [...zones].find((name) => name.toLowerCase() === zone.toLowerCase());
  return meant ? `is spelled ${meant}` : 'is not an IANA time zone';
}

/** What is wrong with a schedule.
 * @param path where it stands, as a JSON pointer */
export function scheduleIssues({ cron, timezone = 'UTC' }: Schedule, path: string): Issue[] {
  const problems = [['cron', cronProblem(cron)], ['timezone', zoneProblem(timezone)]] as const;
  return problems.flatMap(([name, problem]) => (problem === null ? [] : [{ code: `schedule.${name}`, path: `${path}/${name}`, text: problem }]));
}
