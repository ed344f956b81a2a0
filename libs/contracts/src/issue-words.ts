import { z } from 'zod';
import { didYouMean } from './nearest-names.ts';

const NOUNS: Readonly<Record<string, string>> = { object: 'an object', record: 'an object', array: 'a list', string: 'a text', number: 'a number', int: 'a whole number', boolean: 'true or false', null: 'nothing', undefined: 'nothing' };
const nounOf = (type: string): string => NOUNS[type] ?? type;
const typeOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);
const FORMATS: Readonly<Record<string, string>> = { uuid: 'must be a UUID', datetime: 'must be an instant such as 2026-01-31T10:00:00Z', url: 'must be an address such as https://host/path', regex: 'has a form that is not allowed here' };
const UNITS: Readonly<Record<string, readonly [one: string, many: string]>> = { string: ['character', 'characters'], array: ['entry', 'entries'] };

const amount = (origin: string, limit: number | bigint): string => {
  const unit = UNITS[origin];
  return unit ? `${limit} ${Number(limit) === 1 ? unit[0] : unit[1]}` : String(limit);
};
/** `a, b or c`, and the one that a typo may have meant. */
function oneOf(options: readonly unknown[], given: unknown): string {
  const words = options.map(String);
  const list = words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}` : words.join('');
  const near = typeof given === 'string' ? didYouMean(given, words) : null;
  return `must be ${list}${near === null ? '' : `: ${near}`}`;
}
/** A key that nobody knows, with the known ones that it may have meant. */
export function unknownKey(key: string, known: readonly string[]): string {
  const hint = didYouMean(key, known) ?? (known.length ? `known here are ${known.join(', ')}` : null);
  return `unknown key ${key}${hint === null ? '' : `: ${hint}`}`;
}

/** What a schema did not like about a value, as a verb that follows the name of the value. It never repeats the value: it may be a secret.
 * What a schema says itself comes first. */
export const issueWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type': return issue.input === undefined ? 'is missing' : Number.isNaN(issue.input) ? `must be ${nounOf(issue.expected)}` : `must be ${nounOf(issue.expected)}, not ${nounOf(typeOf(issue.input))}`;
    case 'invalid_value': return issue.input === undefined ? 'is missing' : oneOf(issue.values, issue.input);
    case 'invalid_union': {
      const { discriminator, options, input } = issue as { discriminator?: string; options?: readonly unknown[]; input?: unknown };
      if (discriminator === undefined || !options) return undefined;
      const given = Object(input)[discriminator] as unknown;
      return given === undefined ? 'is missing' : oneOf(options, given);
    }
    case 'invalid_format': return FORMATS[issue.format];
    case 'too_small': return `must ${UNITS[issue.origin] ? 'have' : 'be'} at least ${amount(issue.origin, issue.minimum)}`;
    case 'too_big': return `must ${UNITS[issue.origin] ? 'have' : 'be'} at most ${amount(issue.origin, issue.maximum)}`;
    case 'unrecognized_keys': return issue.keys.map((key) => unknownKey(key, issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape as object) : [])).join('; ');
    case 'invalid_key': return issue.issues[0]?.message;
    default: return undefined;
  }
};
z.config({ customError: issueWords });

/** Issues as a person can mend them: of a union those of the member that fits best, unknown keys first, since what is missing is often what was misspelled. */
export function mendable(issues: readonly z.core.$ZodIssue[], at: readonly PropertyKey[] = []): z.core.$ZodIssue[] {
  const flat = issues.flatMap((issue): z.core.$ZodIssue[] => {
    const path = [...at, ...issue.path];
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [{ ...issue, path }];
    return issue.errors.map((errors) => mendable(errors, path)).sort((a, b) => weight(a) - weight(b))[0] ?? [];
  });
  return flat.sort((a, b) => Number(b.code === 'unrecognized_keys') - Number(a.code === 'unrecognized_keys'));
}
const weight = (issues: readonly z.core.$ZodIssue[]): number => issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);
