import type { Column, ColumnType } from '@agent-etl/contracts';

const WHOLE: Readonly<Record<string, readonly [signed: ColumnType, unsigned: ColumnType]>> = {
  tinyint: [{ kind: 'i16' }, { kind: 'i16' }], smallint: [{ kind: 'i16' }, { kind: 'i32' }], mediumint: [{ kind: 'i32' }, { kind: 'i32' }], int: [{ kind: 'i32' }, { kind: 'i64' }],
  bigint: [{ kind: 'i64' }, { kind: 'dec', precision: 20, scale: 0 }],
};
const KINDS: Readonly<Record<string, ColumnType['kind']>> = {
  float: 'f32', double: 'f64', char: 'text', varchar: 'text', tinytext: 'text', text: 'text', mediumtext: 'text', longtext: 'text', enum: 'text', set: 'text', binary: 'bytes', varbinary: 'bytes', tinyblob: 'bytes',
  blob: 'bytes', mediumblob: 'bytes', longblob: 'bytes', date: 'date', time: 'time', datetime: 'ts', timestamp: 'tstz', year: 'i16', json: 'json', uuid: 'uuid', inet4: 'text', inet6: 'text',
};
/** The logical type of a column type as `information_schema` spells it, such as `bigint(20) unsigned`. A tinyint(1) is a number: it may hold more than two. */
export function typeOfMysql(native: string): ColumnType {
  const base = /^[a-z0-9]+/.exec(native)?.[0] ?? '';
  const decimal = /^decimal\((\d+),(\d+)\)/.exec(native);
  if (decimal) return { kind: 'dec', precision: Number(decimal[1]), scale: Number(decimal[2]) };
  if (base === 'bit') return { kind: 'dec', precision: 20, scale: 0 };
  const whole = WHOLE[base];
  if (whole) return whole[native.includes('unsigned') ? 1 : 0];
  const kind = KINDS[base];
  return kind ? { kind } : { kind: 'other' };
}

const NATIVE: Readonly<Record<Exclude<ColumnType['kind'], 'dec'>, string>> = {
  bool: 'BOOLEAN', i16: 'SMALLINT', i32: 'INT', i64: 'BIGINT', f32: 'FLOAT', f64: 'DOUBLE', text: 'LONGTEXT', bytes: 'LONGBLOB', date: 'DATE', time: 'TIME(6)', ts: 'DATETIME(6)', tstz: 'TIMESTAMP(6)',
  uuid: 'CHAR(36)', json: 'LONGTEXT', other: 'LONGTEXT',
};
/** Digits that both MariaDB and MySQL take, in all and after the point. */
const MOST_DIGITS = 65;
const MOST_SCALE = 30;
/** The type a column gets in MySQL, or null for a decimal that none of its types holds. JSON stays text: MySQL's own type would spell it anew. */
export function mapToMysql({ type: { kind, precision, scale = 0 } }: Pick<Column, 'type'>): { native: string } | null {
  if (kind !== 'dec') return { native: NATIVE[kind] };
  return precision === undefined || precision > MOST_DIGITS || scale > MOST_SCALE || scale < 0 || scale > precision ? null : { native: `DECIMAL(${precision},${scale})` };
}
/** The type of a column that rows go into: what a boolean of ours became is one again, and a JSON that would be spelled anew takes nothing.
 * @param version what the server says of itself */
export function typeOfMysqlTarget(native: string, version: string): ColumnType {
  if (/^tinyint\(1\)( |$)/.test(native)) return { kind: 'bool' };
  return native === 'json' && !/mariadb/i.test(version) ? { kind: 'other' } : typeOfMysql(native);
}
