import type { ColumnType, Expr } from '@agent-etl/contracts';
import { text } from '../check/type-rules.ts';
import { Refusal } from '../refusal.ts';

export type MaskMethod = 'null' | 'fixed' | 'last4' | 'sha256';
/** A value that no longer says what it said. `value` is for fixed alone. */
export interface MaskStep { readonly op: 'mask'; readonly column: string; readonly method: MaskMethod; readonly value: string | null }

const MASK = '****';
/** A text shorter than this would show half of itself. */
const LEAST_SHOWN = 8;
const lit = (v: string | null, t: ColumnType = text): Expr => ({ k: 'lit', t, v });

/** What stands in the place of a column. NULL stays NULL, but for `fixed`.
 * @throws Refusal `SQL_TYPE`, `SQL_ARITY` */
export function maskOf({ method, value }: MaskStep, { name, type }: { readonly name: string; readonly type: ColumnType }): { readonly column: string; readonly expr: Expr } {
  if ((value !== null) !== (method === 'fixed')) throw new Refusal('SQL_ARITY', method === 'fixed' ? 'fixed needs a value' : 'A value is for fixed alone');
  return { column: name, expr: exprOf(method, { name, type, value: value ?? '' }) };
}
function exprOf(method: MaskMethod, { name, type, value }: { readonly name: string; readonly type: ColumnType; readonly value: string }): Expr {
  const column: Expr = { k: 'col', name };
  switch (method) {
    case 'null': return lit(null, type);
    case 'fixed': return { k: 'cast', e: lit(value), to: type, onError: 'fail' };
    case 'sha256': return { k: 'call', fn: 'sha256', args: [type.kind === 'text' ? column : { k: 'cast', e: column, to: text, onError: 'fail' }] };
    case 'last4': {
      if (type.kind !== 'text') throw new Refusal('SQL_TYPE', `last4 is for texts, this is ${type.kind}; cast it first`);
      const shown: Expr = { k: 'bin', op: '||', l: lit(MASK), r: { k: 'call', fn: 'right', args: [column, lit('4', { kind: 'i32' })] } };
      const isLong: Expr = { k: 'bin', op: '>=', l: { k: 'call', fn: 'length', args: [column] }, r: lit(String(LEAST_SHOWN), { kind: 'i32' }) };
      return { k: 'case', whens: [{ when: { k: 'isNull', e: column, neg: false }, then: lit(null) }, { when: isLong, then: shown }], else: lit(MASK) };
    }
  }
}
