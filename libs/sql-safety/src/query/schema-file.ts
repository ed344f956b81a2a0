import type { ColumnType } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';
import type { Schema } from './policy.ts';

const TYPES: Readonly<Record<string, ColumnType['kind']>> = {
  bigint: 'i64', bool: 'bool', boolean: 'bool', bytes: 'bytes', date: 'date', double: 'f64', 'double precision': 'f64', float: 'f32', int: 'i32', integer: 'i32', json: 'json', real: 'f32', smallint: 'i16', string: 'text', text: 'text', time: 'time', timestamp: 'ts', timestamptz: 'tstz', uuid: 'uuid', varchar: 'text',
};
/** A type as a schema file spells it: `bigint`, `decimal(12,2)`, `text`.
 * @throws Refusal `SQL_TYPE` */
export function typeNamed(spelled: string): ColumnType {
  const word = spelled.trim().toLowerCase();
  const [, precision, scale] = /^(?:decimal|numeric)\s*\(\s*(\d{1,2})\s*(?:,\s*(\d{1,2})\s*)?\)$/.exec(word) ?? [];
  if (precision !== undefined) return { kind: 'dec', precision: Number(precision), scale: Number(scale ?? 0) };
  const kind = Object.hasOwn(TYPES, word) ? TYPES[word] : undefined;
  if (!kind) throw new Refusal('SQL_TYPE', `A type of a schema is one of ${Object.keys(TYPES).join(', ')}, decimal(p,s)`);
  return { kind };
}
/** Relations by name, each with its columns and their types: what a schema file holds under `relations`.
 * @throws Refusal `SQL_TYPE`, `SQL_RELATION` */
export function schemaOf(relations: Readonly<Record<string, Readonly<Record<string, string>>>>): Schema {
  return Object.entries(relations).map(([name, columns]) => {
    const [first, second, third] = name.split('.');
    if (!first || third !== undefined || second === '') throw new Refusal('SQL_RELATION', 'A relation of a schema is named schema.table or table');
    return { parts: second === undefined ? [first] : [first, second], columns: Object.entries(columns).map(([column, type]) => ({ name: column, type: typeNamed(type) })) };
  });
}
