import type { ColumnType, Expr } from '@agent-etl/contracts';

/** What a function of the registry needs to type its arguments. */
export interface Typing {
  typeOf(node: Expr): ColumnType;
  /** A node that is not typed yet, typed. */
  type(node: Expr): Expr;
  /** The node as a value of the type. @throws Refusal `SQL_TYPE` where it is none without loss */
  to(node: Expr, wanted: ColumnType): Expr;
  /** The node cast, where that may lose digits. @throws Refusal `SQL_TYPE` */
  cast(node: Expr, to: ColumnType): Expr;
  /** All of them as one type. */
  same(nodes: readonly Expr[]): { readonly nodes: Expr[]; readonly type: ColumnType };
}
export interface TypedCall { readonly args: Expr[]; readonly type: ColumnType }
/** Types the arguments of one function. */
export type Signature = (args: readonly Expr[], typing: Typing) => TypedCall;
