import { type ColumnType, type Expr, type JoinStage } from '@agent-etl/contracts';
import { type InputColumns, checkExpression } from '../check/check-expression.ts';
import { MOST_DIGITS, isSortable, isUsable } from '../check/type-rules.ts';
import type { ValidatedExpr } from '../check/validated.ts';
import { noSuch } from '../no-such.ts';
import { Refusal } from '../refusal.ts';

/** A join whose texts were lowered. Names are those that were written. */
export type LoweredJoin = Omit<JoinStage, 'take'> & { readonly take: readonly { readonly column: string; readonly as: string }[] };
/** One pair of keys: `left` over a column `l`, `right` over a column `r`, both of one type or two numbers. */
export interface KeyPair { readonly left: string; readonly right: string; readonly nullSafe: boolean; readonly l: ValidatedExpr; readonly r: ValidatedExpr }
export interface CheckedJoin { readonly pairs: readonly KeyPair[]; readonly take: readonly { readonly column: string; readonly as: string; readonly type: ColumnType }[] }

/** Checks a join against the columns of both sides.
 * @throws Refusal `SQL_COLUMN`, `SQL_TYPE`, `STEP_COLUMN_CLASH` */
export function checkJoin({ kind, on, take, prefer = [] }: LoweredJoin, { left, right }: { readonly left: InputColumns; readonly right: InputColumns }): CheckedJoin {
  const pairs = on.map((pair) => keyPair(pair, { left: keyType(left, pair.left, 'here'), right: keyType(right, pair.right, 'in the other dataset') }));
  if ((kind === 'semi' || kind === 'anti') && take.length) throw new Refusal('STEP_COLUMN_CLASH', `A ${kind} join only asks whether there is a row: it takes no columns`);
  const taken = take.map(({ column, as }) => ({ column, as, type: passable(columnOf(right, column, 'in the other dataset')) }));
  const names = new Set([...left.keys()].map((name) => name.toLowerCase()));
  for (const { as } of taken) {
    if (names.has(as.toLowerCase())) throw new Refusal('STEP_COLUMN_CLASH', 'A column that is taken would have the name of one that is there; take it under another name, or rename or drop the one that is there');
    names.add(as.toLowerCase());
  }
  for (const { e } of prefer) if (!isSortable(checkExpression(e, { input: right }).type)) throw new Refusal('SQL_TYPE', 'Rows have no order by that column');
  return { pairs, take: taken };
}

const column = (name: string): Expr => ({ k: 'col', name });
function keyPair(pair: JoinStage['on'][number], types: { readonly left: ColumnType; readonly right: ColumnType }): KeyPair {
  const { expr } = checkExpression({ k: 'bin', op: '=', l: column('l'), r: column('r') }, { input: new Map([['l', types.left], ['r', types.right]]) });
  if (expr.k !== 'bin') throw new Refusal('IR_SHAPE', 'This is no comparison');
  return { ...pair, l: checkExpression(expr.l, { input: new Map([['l', types.left]]) }), r: checkExpression(expr.r, { input: new Map([['r', types.right]]) }) };
}

type Where = 'here' | 'in the other dataset';
export function columnOf(columns: InputColumns, name: string, where: Where): ColumnType {
  const type = columns.get(name);
  if (!type) throw noSuch('column', name, { known: [...columns.keys()], where });
  return type;
}
function keyType(columns: InputColumns, name: string, where: Where): ColumnType {
  const type = columnOf(columns, name, where);
  if (!isUsable(type) || type.kind === 'f64' || type.kind === 'f32') throw new Refusal('SQL_TYPE', `Rows are not told apart by a column of ${type.kind}; cast it first`);
  if (!hasDigits(type)) throw new Refusal('SQL_TYPE', `A decimal without declared digits, or of more than ${MOST_DIGITS}, is no key; cast it first, such as to decimal(18,4)`);
  return type;
}
/** Whether every engine has the decimal; true of all other types. */
export const hasDigits = ({ kind, precision, scale = 0 }: ColumnType): boolean => kind !== 'dec' || (precision !== undefined && precision <= MOST_DIGITS && scale >= 0 && scale <= precision);
/** A column that comes from another dataset is printed as a type that every engine has. */
export function passable(type: ColumnType): ColumnType {
  if (!isUsable(type)) throw new Refusal('SQL_TYPE', `A column of ${type.kind} does not come from another dataset; leave it out, or make it a text in a view there`);
  if (!hasDigits(type)) throw new Refusal('SQL_TYPE', `A decimal without declared digits, or of more than ${MOST_DIGITS}, does not come from another dataset; cast it in a view there`);
  return type;
}
