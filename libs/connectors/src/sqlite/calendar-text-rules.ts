/** A day or a moment as ISO and as PostgreSQL print it: years of four digits and more, BC, a zone as an offset, `infinity`. */
const MOMENT = /^(\d{4,6})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:[.](\d{1,6}))?)?)? ?(Z|[+-]\d\d(?::?\d\d)?(?::?\d\d)?)?( BC)?$/;
const CLOCK = /^(\d\d):(\d\d)(?::(\d\d)(?:[.](\d{1,6}))?)?$/;
const SECOND = 1_000_000n;
const ENDLESS: Readonly<Record<string, string>> = { infinity: 'inf', '-infinity': '-inf' };

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** Days since 1970-01-01 in the proleptic Gregorian calendar; year 0 is 1 BC. */
function daysOf(year: number, month: number, day: number): number | null {
  const length = month === 2 && isLeap(year) ? 29 : LENGTHS[month - 1];
  if (length === undefined || day < 1 || day > length) return null;
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}
function clockMicros([h, m, s]: readonly [number, number, number], fraction = ''): bigint | null {
  if (h > 24 || m > 59 || s > 59 || (h === 24 && (m > 0 || s > 0 || /[1-9]/.test(fraction)))) return null;
  return BigInt((h * 60 + m) * 60 + s) * SECOND + BigInt(fraction.padEnd(6, '0'));
}
function offsetMicros(zone: string): bigint {
  if (zone === 'Z') return 0n;
  const digits = zone.slice(1).replaceAll(':', '').padEnd(6, '0');
  const seconds = Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2, 4)) * 60 + Number(digits.slice(4, 6));
  return BigInt(zone.startsWith('-') ? -seconds : seconds) * SECOND;
}

/** Days since 1970 of a text that is a day and nothing more, or null. */
export function daysText(text: string): string | null {
  const [, year, month, day, hour, , , , zone, bc] = MOMENT.exec(text) ?? [];
  if (year === undefined) return ENDLESS[text] ?? null;
  const days = hour === undefined && zone === undefined ? daysOf(bc ? 1 - Number(year) : Number(year), Number(month), Number(day)) : null;
  return days === null ? null : String(days);
}
/** Microseconds of a time of day, or since 1970 of a moment, or null. A zone counts; without one it is taken as UTC. */
export function microsText(text: string): string | null {
  const [, hour, minute, second, fraction] = CLOCK.exec(text) ?? [];
  if (hour !== undefined && minute !== undefined) return clockMicros([Number(hour), Number(minute), Number(second ?? 0)], fraction)?.toString() ?? null;
  const [, year, month, day, h = '00', m = '00', s, f, zone = 'Z', bc] = MOMENT.exec(text) ?? [];
  if (year === undefined) return ENDLESS[text] ?? null;
  const days = daysOf(bc ? 1 - Number(year) : Number(year), Number(month), Number(day));
  const clock = clockMicros([Number(h), Number(m), Number(s ?? 0)], f);
  return days === null || clock === null ? null : String(BigInt(days) * 86_400n * SECOND + clock - offsetMicros(zone));
}
/** Whether a text is of a kind of the calendar. */
export function isCalendarText(kind: 'date' | 'time' | 'ts' | 'tstz', text: string): boolean {
  if (kind === 'time') return CLOCK.test(text) && microsText(text) !== null;
  if (kind === 'date') return daysText(text) !== null;
  if (microsText(text) === null || CLOCK.test(text)) return false;
  const zone = MOMENT.exec(text)?.[8];
  return text in ENDLESS || (kind === 'tstz') === (zone !== undefined);
}

/** A text of a kind of the calendar in the spelling that every reader of the carrier takes, with a blank, seconds and a numeric zone; null when it is none. */
export function spelledCalendar(kind: 'date' | 'time' | 'ts' | 'tstz', text: string): string | null {
  if (!isCalendarText(kind, text)) return null;
  return text.replace('T', ' ').replace('Z', '+00').replace(/^(.* )?(\d\d:\d\d)(?!:|\d)/, '$1$2:00').replace(/(\d) ([+-]\d)/, '$1$2');
}
