import type { ColumnType } from '@agent-etl/contracts';

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?$/;
const RANGES: Partial<Record<ColumnType['kind'], readonly [bigint, bigint]>> = { i16: [-32_768n, 32_767n], i32: [-2_147_483_648n, 2_147_483_647n], i64: [-(2n ** 63n), 2n ** 63n - 1n] };
const BOOLS: Readonly<Record<string, string>> = { t: 'true', true: 'true', f: 'false', false: 'false' };

/** Days of a month of the proleptic Gregorian calendar. */
function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
function isDay(text: string): boolean {
  const [, year = '', month = '', day = ''] = DAY.exec(text) ?? [];
  const [y, m, d] = [Number(year), Number(month), Number(day)];
  return y >= 1 && m >= 1 && m <= 12 && d >= 1 && d <= daysIn(y, m);
}

function timeOf(text: string): string | null {
  if (isDay(text)) return `${text} 00:00:00`;
  const [, day = '', clock = '', seconds = '00', fraction] = TIME.exec(text) ?? [];
  const [hours, minutes] = clock.split(':').map(Number);
  if (!isDay(day) || (hours ?? 99) > 23 || (minutes ?? 99) > 59 || Number(seconds) > 59) return null;
  return `${day} ${clock}:${seconds}${fraction === undefined ? '' : `.${fraction}`}`;
}

const OFFSET = /^(.*\d) ?(Z|[+-]\d{2}(?::?\d{2})?)$/;
/** An instant; one without a zone is one of UTC, as all times here are. */
function instantOf(text: string): string | null {
  const [, local = text, zone = 'Z'] = isDay(text) ? [] : OFFSET.exec(text) ?? [];
  const time = timeOf(local);
  const digits = zone === 'Z' ? '+0000' : zone.replace(':', '').padEnd(5, '0');
  return time === null || Number(digits.slice(1, 3)) > 15 || Number(digits.slice(3)) > 59 ? null : `${time}${digits.slice(0, 3)}:${digits.slice(3)}`;
}

function decimalOf(text: string, { precision = 38, scale = 0 }: ColumnType): string | null {
  const [, sign = '', whole = '', fraction = ''] = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(text) ?? [];
  if (!whole || fraction.replace(/0+$/, '').length > scale || whole.replace(/^0+/, '').length > precision - scale) return null;
  const kept = fraction.slice(0, scale).padEnd(scale, '0');
  return `${sign === '-' ? '-' : ''}${whole}${scale ? `.${kept}` : ''}`;
}

/** A constant text as the constant of a type, spelled as every engine reads it; null when it is none. */
export function constantAs(text: string, type: ColumnType): string | null {
  const range = RANGES[type.kind];
  if (range) return /^[+-]?\d{1,20}$/.test(text) && BigInt(text) >= range[0] && BigInt(text) <= range[1] ? String(BigInt(text)) : null;
  switch (type.kind) {
    case 'text': return text;
    case 'bool': return BOOLS[text.toLowerCase()] ?? null;
    case 'dec': return decimalOf(text, type);
    case 'f64': return /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/.test(text) && Number.isFinite(Number(text)) ? text : null;
    case 'date': return isDay(text) ? text : null;
    case 'ts': return timeOf(text);
    case 'tstz': return instantOf(text);
    case 'time': return /^([01]\d|2[0-3]):[0-5]\d$/.test(text) ? `${text}:00` : /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?$/.test(text) ? text : null;
    case 'bytes': return /^\\x(?:[0-9a-fA-F]{2})*$/.test(text) ? text.toLowerCase() : null;
    case 'uuid': return /^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$/.test(text) ? text.toLowerCase() : null;
    default: return null;
  }
}
