import type { Expr } from '@agent-etl/contracts';
import type { Typing } from '../registry/typing.ts';
import { isWhole } from './type-rules.ts';

/** What + and - mean where a date stands: days between two, or a date some days away. Null between numbers. Both sides are typed. */
export function datedBinary(op: '+' | '-', [l, r]: readonly [Expr, Expr], typing: Typing): { readonly fn: string; readonly args: readonly Expr[] } | null {
  const [left, right] = [typing.typeOf(l), typing.typeOf(r)];
  if (op === '-' && left.kind === 'date' && (right.kind === 'date' || (r.k === 'lit' && right.kind === 'text'))) return { fn: 'diff_days', args: [r, l] };
  if (left.kind === 'date' && isWhole(right)) return { fn: op === '+' ? 'shift_days' : 'shift_days_back', args: [l, r] };
  return op === '+' && right.kind === 'date' && isWhole(left) ? { fn: 'shift_days', args: [r, l] } : null;
}
