import type { ColumnType, Expr } from '@agent-etl/contracts';

const minted = new WeakSet<object>();
/** An expression that was resolved, typed and bounded: a frozen copy of our own making, the only thing that is printed. It does not survive storage: who reads a stored one checks it again. */
export class ValidatedExpr {
  readonly #proof = true;
  readonly expr: Expr;
  readonly type: ColumnType;
  /** Columns it reads. */
  readonly columns: ReadonlySet<string>;
  readonly typeOf: (node: Expr) => ColumnType;
  constructor(expr: Expr, types: ReadonlyMap<Expr, ColumnType>, columns: ReadonlySet<string>) {
    this.expr = expr;
    this.columns = columns;
    this.typeOf = (node) => {
      const type = types.get(node);
      if (!type) throw new TypeError('a node that was not checked');
      return type;
    };
    this.type = this.typeOf(expr);
    void this.#proof;
  }
}
export function mintValidated(expr: Expr, types: ReadonlyMap<Expr, ColumnType>, columns: ReadonlySet<string>): ValidatedExpr {
  const validated = new ValidatedExpr(expr, types, columns);
  Object.freeze(validated);
  minted.add(validated);
  return validated;
}
export const isValidated = (value: unknown): value is ValidatedExpr => typeof value === 'object' && value !== null && minted.has(value);
