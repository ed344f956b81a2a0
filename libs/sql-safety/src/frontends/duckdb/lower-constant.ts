import type { ColumnType, Expr } from '@agent-etl/contracts';
import { Refusal } from '../../refusal.ts';
import { type Json, type Tree, Spelled, isTree, onlyKeys } from './tree.ts';

const KINDS: Readonly<Record<string, ColumnType['kind']>> = {
  BOOLEAN: 'bool', SMALLINT: 'i16', INTEGER: 'i32', BIGINT: 'i64', FLOAT: 'f32', DOUBLE: 'f64', VARCHAR: 'text', DATE: 'date', TIMESTAMP: 'ts', 'TIMESTAMP WITH TIME ZONE': 'tstz',
};
/** A type that a cast names.
 * @throws Refusal `SQL_TYPE` for a type that not every engine has */
export function typeOfTree(type: Json | undefined): ColumnType {
  const { id, info } = partsOf(type);
  if (id === 'DECIMAL') {
    const { width, scale } = onlyKeys(info, { read: ['width', 'scale'], plain: { alias: '', extension_info: null } });
    return { kind: 'dec', precision: whole(width), scale: whole(scale) };
  }
  const kind = Object.hasOwn(KINDS, id) ? KINDS[id] : undefined;
  if (!kind || Object.keys(info).length) throw new Refusal('SQL_TYPE', 'This type is not supported; use boolean, smallint, integer, bigint, decimal(p,s), double, varchar, date, timestamp or timestamptz');
  return { kind };
}
function partsOf(type: Json | undefined): { readonly id: string; readonly info: Tree } {
  if (!isTree(type)) throw new Refusal('SQL_TYPE', 'This type is not supported');
  const { id, type_info: info } = onlyKeys(type, { read: ['id', 'type_info'], plain: {} });
  if (typeof id !== 'string' || (info !== null && !isTree(info))) throw new Refusal('SQL_TYPE', 'This type is not supported');
  return { id, info: info ?? {} };
}
const whole = (value: Json | undefined): number => {
  if (!(value instanceof Spelled) || !/^\d{1,2}$/.test(value.text)) throw new Refusal('SQL_LITERAL', 'A size of a type is too large');
  return Number(value.text);
};

const WHOLE: readonly string[] = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT'];
/** A constant of the tree as a literal. A NULL has the type `other` until its place gives it one. */
export function constantOf(value: Json | undefined): Expr {
  if (!isTree(value)) throw new Refusal('SQL_LITERAL', 'This literal is not supported');
  const { type, is_null: isNull, value: held } = value;
  if (isNull === true) return { k: 'lit', t: { kind: 'other' }, v: null };
  onlyKeys(value, { read: ['type', 'is_null', 'value'], plain: {} });
  const { id, info } = partsOf(type);
  if (id === 'VARCHAR' && typeof held === 'string' && !held.includes('\0')) return { k: 'lit', t: { kind: 'text' }, v: held };
  if (held instanceof Spelled && WHOLE.includes(id)) return { k: 'lit', t: { kind: id === 'BIGINT' ? 'i64' : 'i32' }, v: held.text };
  if (id === 'HUGEINT') { const v = String(halves(held)); return { k: 'lit', t: { kind: 'dec', precision: v.replace('-', '').length, scale: 0 }, v }; }
  if (held instanceof Spelled && id === 'DOUBLE') return { k: 'lit', t: { kind: 'f64' }, v: held.text };
  if (id === 'BOOLEAN' && typeof held === 'boolean') return { k: 'lit', t: { kind: 'bool' }, v: String(held) };
  if (id === 'DECIMAL') return decimal(held, info);
  throw new Refusal('SQL_LITERAL', 'This literal is not supported');
}

/** DuckDB says 0.92 as the whole number 92 of scale 2; more than 18 digits come as two halves of 128 bits. */
function decimal(held: Json | undefined, info: Tree): Expr {
  const { width, scale } = onlyKeys(info, { read: ['width', 'scale'], plain: { alias: '', extension_info: null } });
  const [digits, precision] = [whole(scale), whole(width)];
  const unscaled = held instanceof Spelled ? BigInt(held.text) : halves(held);
  const text = String(unscaled < 0n ? -unscaled : unscaled).padStart(digits + 1, '0');
  const v = `${unscaled < 0n ? '-' : ''}${digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text}`;
  return { k: 'lit', t: { kind: 'dec', precision: Math.max(precision, digits + 1), scale: digits }, v };
}
function halves(held: Json | undefined): bigint {
  const { upper, lower } = isTree(held) ? held : {};
  if (!(upper instanceof Spelled) || !(lower instanceof Spelled)) throw new Refusal('SQL_LITERAL', 'This number is not supported');
  return (BigInt(upper.text) << 64n) + BigInt(lower.text);
}
