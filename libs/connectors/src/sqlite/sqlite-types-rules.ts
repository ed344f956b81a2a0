import type { Column, ColumnType } from '@agent-etl/contracts';

/** What a column was seen to hold, in values by storage class and in how many of them are of a narrower kind. */
export interface Seen {
  readonly integer: number; readonly real: number; readonly text: number; readonly blob: number;
  /** Integers that are 0 or 1; integers that no double holds. */
  readonly booleans: number; readonly wide: number;
  /** Texts that are a day, a time of day, a moment, a moment with its zone, or JSON. */
  readonly days: number; readonly times: number; readonly moments: number; readonly zoned: number; readonly json: number;
}
export const NOTHING_SEEN: Seen = { integer: 0, real: 0, text: 0, blob: 0, booleans: 0, wide: 0, days: 0, times: 0, moments: 0, zoned: 0, json: 0 };
type Kind = ColumnType['kind'];
const CLASSES = ['integer', 'real', 'text', 'blob'] as const;
const total = (seen: Seen): number => seen.integer + seen.real + seen.text + seen.blob;

/** What a declaration promises; null where SQLite would store whatever comes. The order is that of SQLite's own rules of affinity, with names of common use before the last of them. */
function promised(declared: string): ColumnType | null {
  const decimal = /^decimal_text ?\((\d+), ?(\d+)\)$/i.exec(declared);
  if (decimal) return { kind: 'dec', precision: Number(decimal[1]), scale: Number(decimal[2]) };
  const rules: readonly (readonly [RegExp, Kind])[] = [
    [/^decimal_text$/i, 'dec'], [/int/i, 'i64'], [/char|clob|text/i, 'text'], [/blob/i, 'bytes'], [/real|floa|doub/i, 'f64'], [/^bool/i, 'bool'],
    [/^(timestamptz|timestamp with time zone)/i, 'tstz'], [/^(datetime|timestamp)/i, 'ts'], [/^date/i, 'date'], [/^time/i, 'time'], [/^uuid/i, 'text'], [/^json/i, 'json'],
  ];
  const kind = rules.find(([pattern]) => pattern.test(declared))?.[1];
  return kind ? { kind } : null;
}
/** Whether all that was seen is of a kind. */
function fits(kind: Kind, seen: Seen): boolean {
  const all = total(seen);
  switch (kind) {
    case 'bool': return seen.booleans === all;
    case 'i16': case 'i32': case 'i64': return seen.integer === all;
    case 'f32': case 'f64': return seen.integer + seen.real === all && seen.wide === 0;
    case 'date': return seen.days === all;
    case 'time': return seen.times === all;
    case 'ts': return seen.moments === all;
    case 'tstz': return seen.zoned === all;
    case 'json': return seen.json === all;
    case 'bytes': return seen.blob === all;
    case 'dec': case 'text': case 'uuid': case 'other': return seen.text === all;
  }
}
const widening: readonly Kind[] = ['i64', 'f64', 'text', 'bytes'];

/** The type of a column by what is declared and by what is stored: any class may stand anywhere, so a promise counts only while nothing was seen that breaks it.
 * A broken one shows in the native name. What is stored in no common type travels as text; a BLOB among others then stops the run by row and column. */
export function typeOfSqlite(declared: string, seen: Seen): { type: ColumnType; native: string } {
  const promise = promised(declared);
  const native = declared || 'any';
  if (promise && fits(promise.kind, seen)) return { type: promise, native };
  if (!promise && total(seen) === 0) return { type: { kind: declared === '' ? 'bytes' : 'f64' }, native };
  const kind = widening.find((each) => fits(each, seen)) ?? 'text';
  const held = CLASSES.filter((each) => seen[each] > 0).join(' and ');
  return { type: { kind }, native: promise ? `${native} holding ${held}` : native };
}

const NATIVE: Readonly<Record<Exclude<Kind, 'dec'>, string>> = {
  bool: 'BOOLEAN', i16: 'INTEGER', i32: 'INTEGER', i64: 'INTEGER', f32: 'REAL', f64: 'REAL', text: 'TEXT', bytes: 'BLOB', date: 'DATE', time: 'TIME', ts: 'TIMESTAMP',
  tstz: 'TIMESTAMP WITH TIME ZONE', uuid: 'UUID', json: 'TEXT', other: 'TEXT',
};
/** The type a column gets in SQLite. A decimal stays text: as a number SQLite would keep it in binary. */
export function mapToSqlite({ type: { kind, precision, scale = 0 } }: Pick<Column, 'type'>): { native: string } {
  if (kind !== 'dec') return { native: NATIVE[kind] };
  return { native: precision === undefined || scale < 0 ? 'DECIMAL_TEXT' : `DECIMAL_TEXT(${precision},${scale})` };
}
