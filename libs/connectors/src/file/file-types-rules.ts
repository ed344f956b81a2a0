import type { Column, ColumnType } from '@agent-etl/contracts';

const DECIMAL_DIGITS = 38;
const TYPES: Readonly<Record<Exclude<ColumnType['kind'], 'dec'>, string>> = {
  bool: 'BOOLEAN', i16: 'SMALLINT', i32: 'INTEGER', i64: 'BIGINT', f32: 'FLOAT', f64: 'DOUBLE', text: 'VARCHAR', bytes: 'BLOB', date: 'DATE', time: 'TIME',
  ts: 'TIMESTAMP', tstz: 'TIMESTAMP WITH TIME ZONE', uuid: 'UUID', json: 'JSON', other: 'VARCHAR',
};

/** The DuckDB type that holds a logical type without loss. A decimal that no DECIMAL can hold, unbounded or too long, stays text. */
export function duckTypeOf({ kind, precision, scale = 0 }: ColumnType): string {
  if (kind !== 'dec') return TYPES[kind];
  if (precision === undefined || precision > DECIMAL_DIGITS || scale < 0 || scale > DECIMAL_DIGITS) return 'VARCHAR';
  return `DECIMAL(${Math.max(precision, scale)},${scale})`;
}

/** The type a column gets in a file. Every logical type has one: what Parquet cannot say is written as text. */
export const mapToFile = (column: Pick<Column, 'type'>): { native: string } => ({ native: duckTypeOf(column.type) });

const KINDS: Readonly<Record<string, ColumnType>> = {
  BOOLEAN: { kind: 'bool' }, TINYINT: { kind: 'i16' }, UTINYINT: { kind: 'i16' }, SMALLINT: { kind: 'i16' }, USMALLINT: { kind: 'i32' }, INTEGER: { kind: 'i32' },
  UINTEGER: { kind: 'i64' }, BIGINT: { kind: 'i64' }, UBIGINT: { kind: 'dec', precision: 20, scale: 0 }, HUGEINT: { kind: 'dec', precision: 38, scale: 0 },
  UHUGEINT: { kind: 'dec', precision: 38, scale: 0 }, FLOAT: { kind: 'f32' }, DOUBLE: { kind: 'f64' }, VARCHAR: { kind: 'text' }, BIT: { kind: 'text' },
  BLOB: { kind: 'bytes' }, DATE: { kind: 'date' }, TIME: { kind: 'time' }, 'TIME WITH TIME ZONE': { kind: 'text' }, INTERVAL: { kind: 'text' },
  TIMESTAMP: { kind: 'ts' }, TIMESTAMP_S: { kind: 'ts' }, TIMESTAMP_MS: { kind: 'ts' }, TIMESTAMP_NS: { kind: 'ts' },
  'TIMESTAMP WITH TIME ZONE': { kind: 'tstz' }, UUID: { kind: 'uuid' }, JSON: { kind: 'json' },
};
/** Lists, structs and maps: they travel as JSON text. */
export const isNested = (duckType: string): boolean => duckType.endsWith(']') || /^(STRUCT|MAP|UNION)\(/.test(duckType);

/** The logical type of a DuckDB type, as DESCRIBE spells it. */
export function typeOfDuck(duckType: string): ColumnType {
  if (isNested(duckType)) return { kind: 'json' };
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(duckType);
  if (decimal) return { kind: 'dec', precision: Number(decimal[1]), scale: Number(decimal[2]) };
  if (duckType.startsWith('ENUM')) return { kind: 'text' };
  return KINDS[duckType] ?? { kind: 'other' };
}
