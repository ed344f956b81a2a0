import type { ColumnType } from '@agent-etl/contracts';
import { type SqlFragment, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import { type ExprDialect, typeIn } from './types.ts';

/** A constant as `constantAs` spells it, of its type in every engine. Bytes are spelled as PostgreSQL does, `\\x0aff`; DuckDB would read the second of them as letters.
 * @throws Refusal `SQL_NO_FORM` */
export function printConstant<D extends ExprDialect>(dialect: D, { t, v }: { readonly t: ColumnType; readonly v: string | null }): SqlFragment<D> {
  const sql = sqlFor(dialect);
  const type = typeIn(dialect, t);
  if (v === null) return sql`CAST(NULL AS ${type})`;
  if (t.kind === 'bool') return v === 'true' ? sql`TRUE` : sql`FALSE`;
  if (t.kind === 'bytes' && dialect !== 'postgres') return sql`CAST(unhex(${literal(dialect, v.slice(2))}) AS ${type})`;
  return sql`CAST(${literal(dialect, v)} AS ${type})`;
}
