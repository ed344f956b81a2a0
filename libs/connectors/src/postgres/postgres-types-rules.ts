import type { Column, ColumnType } from '@agent-etl/contracts';

const KINDS: Readonly<Record<string, ColumnType>> = {
  boolean: { kind: 'bool' }, smallint: { kind: 'i16' }, integer: { kind: 'i32' }, bigint: { kind: 'i64' }, real: { kind: 'f32' }, 'double precision': { kind: 'f64' },
  numeric: { kind: 'dec' }, text: { kind: 'text' }, 'character varying': { kind: 'text' }, character: { kind: 'text' }, '"char"': { kind: 'text' }, name: { kind: 'text' }, bytea: { kind: 'bytes' },
  date: { kind: 'date' }, 'time without time zone': { kind: 'time' }, 'timestamp without time zone': { kind: 'ts' }, 'timestamp with time zone': { kind: 'tstz' },
  uuid: { kind: 'uuid' }, json: { kind: 'json' }, jsonb: { kind: 'json' },
};

/** The logical type of a type as `format_type` spells it. What only Postgres knows is `other`. */
export function typeOfPostgres(native: string): ColumnType {
  const decimal = /^numeric\((\d+),(-?\d+)\)$/.exec(native);
  if (decimal) return { kind: 'dec', precision: Number(decimal[1]), scale: Number(decimal[2]) };
  return KINDS[native.replace(/\(\d+\)/, '')] ?? { kind: 'other' };
}
const NATIVE: Readonly<Record<Exclude<ColumnType['kind'], 'dec' | 'other'>, string>> = {
  bool: 'boolean', i16: 'smallint', i32: 'integer', i64: 'bigint', f32: 'real', f64: 'double precision', text: 'text', bytes: 'bytea', date: 'date', time: 'time without time zone',
  ts: 'timestamp without time zone', tstz: 'timestamp with time zone', uuid: 'uuid', json: 'json',
};
/** Types that every Postgres has, arrays of them included. */
const BUILT_IN = /^(interval|inet|cidr|macaddr8?|money|bit( varying)?(\(\d+\))?|tsvector|tsquery|xml|point|line|lseg|box|path|polygon|circle|time with time zone|(int4|int8|num|ts|tstz|date)(multi)?range)(\[\])*$/;
const ELEMENT = /^(.*?)((?:\[\])+)$/;

/** The type a column gets in Postgres. A type of somebody's own making travels as text, since the other database may not have it. */
export function mapToPostgres({ type, native }: Pick<Column, 'type' | 'native'>): { native: string } {
  if (type.kind === 'dec') return { native: type.precision === undefined ? 'numeric' : `numeric(${type.precision},${type.scale ?? 0})` };
  // jsonb rewrites what it is given: only a jsonb column's text comes back from it as it was.
  if (type.kind === 'json' && native === 'jsonb') return { native };
  if (type.kind !== 'other') return { native: NATIVE[type.kind] };
  const [, element = '', brackets = ''] = ELEMENT.exec(native) ?? [];
  if (BUILT_IN.test(native) || (brackets && typeOfPostgres(element).kind !== 'other')) return { native };
  return { native: 'text' };
}
