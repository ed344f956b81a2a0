import { type Duck, sql } from './duck-sql.ts';

/** A float as text that is read back to the same float. DuckDB prints some powers of two wrongly, so its own text counts only where it reads back equal. */
export function floatText(cell: Duck, kind: 'f32' | 'f64'): Duck {
  return kind === 'f64'
    ? sql`CASE WHEN TRY_CAST(CAST(${cell} AS VARCHAR) AS DOUBLE) IS NOT DISTINCT FROM ${cell} THEN CAST(${cell} AS VARCHAR) ELSE printf('%.17g', ${cell}) END`
    : sql`CASE WHEN TRY_CAST(CAST(${cell} AS VARCHAR) AS FLOAT) IS NOT DISTINCT FROM ${cell} THEN CAST(${cell} AS VARCHAR) ELSE printf('%.9g', CAST(${cell} AS DOUBLE)) END`;
}
