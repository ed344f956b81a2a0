import type { ColumnType } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';

const WORDS: Readonly<Record<string, ColumnType['kind']>> = {
  boolean: 'bool', bool: 'bool', smallint: 'i16', integer: 'i32', int: 'i32', bigint: 'i64', double: 'f64', 'double precision': 'f64', text: 'text', varchar: 'text', string: 'text', date: 'date', timestamp: 'ts',
};
const DECIMAL = /^(?:decimal|numeric) ?\( ?(\d{1,2}) ?(?:, ?(\d{1,2}) ?)?\)$/;

/** A type as a person writes it in a step.
 * @throws Refusal `SQL_TYPE` */
export function stepType(written: string): ColumnType {
  const word = written.trim().toLowerCase();
  const kind = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
  if (kind) return { kind };
  const [, precision, scale = '0'] = DECIMAL.exec(word) ?? [];
  if (precision !== undefined) return { kind: 'dec', precision: Number(precision), scale: Number(scale) };
  throw new Refusal('SQL_TYPE', 'There is no such type; use boolean, smallint, integer, bigint, decimal(p,s), double, text, date or timestamp');
}
