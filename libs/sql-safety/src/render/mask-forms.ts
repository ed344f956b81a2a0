import type { ColumnType, Expr } from '@agent-etl/contracts';
import { LEAST_SHOWN, STARS } from '../check/mask-rules.ts';
import { constantAs } from '../check/literal-rules.ts';
import { type SqlFragment, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import { duckForms, postgresForms } from './call-forms.ts';
import { type ExprDialect, typeIn } from './types.ts';

interface Texts<D extends ExprDialect> { readonly sha256: (value: SqlFragment<D>) => SqlFragment<D>; readonly length: (value: SqlFragment<D>) => SqlFragment<D>; readonly last4: (value: SqlFragment<D>) => SqlFragment<D> }
const d = sqlFor('duckdb');
const p = sqlFor('postgres');
const s = sqlFor('spark');
const texts: { readonly [D in ExprDialect]: Texts<D> } = {
  duckdb: { sha256: duckForms.sha256, length: duckForms.length, last4: (value) => duckForms.right(value, d`4`) },
  postgres: { sha256: postgresForms.sha256, length: postgresForms.length, last4: (value) => postgresForms.right(value, p`4`) },
  spark: { sha256: (value) => s`sha2(${value}, 256)`, length: (value) => s`char_length(${value})`, last4: (value) => s`right(${value}, 4)` },
};

/** A masked value in a dialect. `e` is what is masked, printed; two of the methods do not even read it. */
export function printMask<D extends ExprDialect>(dialect: D, { method, v }: Extract<Expr, { k: 'mask' }>, { e, type }: { readonly e: () => SqlFragment<D>; readonly type: ColumnType }): SqlFragment<D> {
  const sql = sqlFor(dialect);
  const { sha256, length, last4 } = texts[dialect];
  switch (method) {
    case 'null': return sql`CAST(NULL AS ${typeIn(dialect, type)})`;
    case 'fixed': return sql`CAST(${literal(dialect, constantAs(v ?? '', type))} AS ${typeIn(dialect, type)})`;
    case 'sha256': return sha256(e());
    case 'last4': return sql`CASE WHEN ${e()} IS NULL THEN CAST(NULL AS ${typeIn(dialect, type)}) WHEN ${length(e())} >= ${literal(dialect, LEAST_SHOWN)} THEN ${literal(dialect, STARS)} || ${last4(e())} ELSE ${literal(dialect, STARS)} END`;
  }
}
