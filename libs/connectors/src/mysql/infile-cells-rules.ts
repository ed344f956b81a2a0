import type { ColumnMapping } from '@agent-etl/contracts';
import { calendarDay } from '../calendar-day-rules.ts';
import { microsText } from '../sqlite/calendar-text-rules.ts';
import type { Respell } from './infile-text-rules.ts';

const UTC = /[+-]00(:00)?$/;
const DAY_MICROS = 86_400_000_000n;

/** How the cells of a column are spelled for LOAD DATA; null where they are sent as they come. */
export function respellOf({ type: { kind }, targetNative }: Pick<ColumnMapping, 'type' | 'targetNative'>): Respell | null {
  switch (kind) {
    case 'bool': return (text) => (/^(t|true|1)$/i.test(text) ? '1' : /^(f|false|0)$/i.test(text) ? '0' : undefined);
    case 'tstz': return (text) => withFraction(utcText(text), fractionOf(targetNative));
    case 'ts': case 'time': return fractionOf(targetNative) === 6 ? null : (text) => withFraction(text, fractionOf(targetNative));
    case 'f32': return floatText;
    case 'f64': case 'dec': case 'i16': case 'i32': case 'i64': case 'text': case 'bytes': case 'date': case 'uuid': case 'json': case 'other': return null;
  }
}
/** MySQL reads a double and makes a float of it: the largest float, spelled with eight digits, would be one too many. */
function floatText(text: string): string {
  const float = Math.fround(Number(text));
  return Number.isFinite(float) && text !== '' ? String(float) : text;
}
/** Digits after the second that a type keeps. */
function fractionOf(native: string): number {
  const [, digits] = /^(?:time|datetime|timestamp)\((\d)\)/i.exec(native) ?? [];
  return digits === undefined ? (/^(time|datetime|timestamp)/i.test(native) ? 0 : 6) : Number(digits);
}
/** MariaDB cuts digits that a type does not keep, and MySQL rounds them, both without a word. */
function withFraction(text: string | undefined, digits: number): string | undefined {
  const rest = /\.(\d+)$/.exec(text ?? '')?.[1]?.slice(digits) ?? '';
  return /[1-9]/.test(rest) ? undefined : text;
}
/** A moment with its zone as a day and a time in UTC. */
function utcText(text: string): string | undefined {
  if (UTC.test(text)) return text.replace(UTC, '');
  const micros = microsText(text);
  if (micros === null || micros.endsWith('inf')) return undefined;
  const value = BigInt(micros);
  const inDay = ((value % DAY_MICROS) + DAY_MICROS) % DAY_MICROS;
  const day = calendarDay(Number((value - inDay) / DAY_MICROS));
  const two = (part: bigint): string => String(part).padStart(2, '0');
  const seconds = inDay / 1_000_000n;
  return /^(?!0000)\d{4}-/.test(day) ? `${day} ${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}.${String(inDay % 1_000_000n).padStart(6, '0')}` : undefined;
}
