import type { ColumnType } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';
import type { SqlFragment } from '../tag/fragment.ts';
import { typeName } from '../tag/type-name.ts';

/** Dialects that an expression is printed in. */
export type ExprDialect = 'duckdb' | 'postgres' | 'spark';
const NAMES: Readonly<Record<ExprDialect, Readonly<Partial<Record<ColumnType['kind'], string>>>>> = {
  duckdb: { bool: 'BOOLEAN', i16: 'SMALLINT', i32: 'INTEGER', i64: 'BIGINT', f32: 'FLOAT', f64: 'DOUBLE', text: 'VARCHAR', date: 'DATE', ts: 'TIMESTAMP', tstz: 'TIMESTAMP WITH TIME ZONE', uuid: 'UUID', json: 'VARCHAR', bytes: 'BLOB', time: 'TIME' },
  postgres: { bool: 'boolean', i16: 'smallint', i32: 'integer', i64: 'bigint', f32: 'real', f64: 'double precision', text: 'text', date: 'date', ts: 'timestamp without time zone', tstz: 'timestamp with time zone', uuid: 'uuid', json: 'json', bytes: 'bytea', time: 'time without time zone' },
  spark: { bool: 'BOOLEAN', i16: 'SMALLINT', i32: 'INT', i64: 'BIGINT', f32: 'FLOAT', f64: 'DOUBLE', text: 'STRING', bytes: 'BINARY', date: 'DATE', ts: 'TIMESTAMP_NTZ', tstz: 'TIMESTAMP_LTZ', json: 'STRING' },
};
/** How a dialect spells the type of an expression, or null when it has none. */
export function nativeOf(dialect: ExprDialect, { kind, precision, scale = 0 }: ColumnType): string | null {
  if (kind !== 'dec') return NAMES[dialect][kind] ?? null;
  if (precision === undefined) return dialect === 'postgres' ? 'numeric' : null;
  return `${dialect === 'postgres' ? 'numeric' : 'DECIMAL'}(${precision},${scale})`;
}
/** @throws Refusal `SQL_NO_FORM` */
export function typeIn<D extends ExprDialect>(dialect: D, type: ColumnType): SqlFragment<D> {
  const native = nativeOf(dialect, type);
  if (native === null) throw new Refusal('SQL_NO_FORM', `${dialect} has no type for ${type.kind}${dialect === 'spark' ? '; cast it to text first, or leave engine out' : ''}`);
  return typeName(dialect, native);
}
