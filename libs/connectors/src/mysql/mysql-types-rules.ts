import type { ColumnType } from '@agent-etl/contracts';

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
