import type { ColumnMapping } from './plan.ts';

/** Logical types that PostgreSQL's types take as they are, in their binary form. What has to be parsed, narrowed or rounded on its way is not among them: the server does that to text. */
const TAKES: Readonly<Record<string, readonly ColumnMapping['type']['kind'][]>> = {
  boolean: ['bool'], smallint: ['i16'], integer: ['i32', 'i16'], bigint: ['i64', 'i32', 'i16'], real: ['f32'], 'double precision': ['f64', 'f32'], numeric: ['dec'],
  text: ['text'], 'character varying': ['text'], character: ['text'], bytea: ['bytes'], date: ['date'], 'time without time zone': ['time'], 'timestamp without time zone': ['ts'],
  'timestamp with time zone': ['tstz'], uuid: ['uuid'], json: ['json'], jsonb: ['json'],
};
/** Types whose binary form has another name than the type itself. */
const FORMS: Readonly<Record<string, string>> = {
  'character varying': 'text', character: 'text', 'time without time zone': 'time', 'timestamp without time zone': 'timestamp', 'timestamp with time zone': 'timestamptz',
};
const DECIMAL_DIGITS = 38;

/** The binary form in which a column goes into PostgreSQL, such as `numeric` or `timestamptz`, or null where its values have to go as text. */
export function binaryFormOf({ type, targetNative }: Pick<ColumnMapping, 'type' | 'targetNative'>): string | null {
  const name = targetNative.replace(/\([\d,]+\)/, '');
  if (!TAKES[name]?.includes(type.kind) || (name === 'numeric' && !holds(targetNative, type))) return null;
  return FORMS[name] ?? name;
}
/** Whether a numeric takes every decimal of a type unchanged. */
function holds(targetNative: string, { precision, scale = 0 }: ColumnMapping['type']): boolean {
  if (precision === undefined || scale < 0 || Math.max(precision, scale) > DECIMAL_DIGITS) return false;
  const [, most, behind = '0'] = /\((\d+)(?:,(\d+))?\)/.exec(targetNative) ?? [];
  return most === undefined || (Number(behind) >= scale && Number(most) - Number(behind) >= Math.max(precision, scale) - scale);
}
/** Whether all columns of a load can go into PostgreSQL in their binary form. */
export const isBinary = (columns: readonly Pick<ColumnMapping, 'type' | 'targetNative'>[]): boolean => columns.every((column) => binaryFormOf(column) !== null);
