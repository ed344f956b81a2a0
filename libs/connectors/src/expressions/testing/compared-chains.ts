import type { ColumnType } from '@agent-etl/contracts';
import { type ExprDialect, type Fused, type SqlFragment, compile, identifier, joinSql, sqlFor } from '@agent-etl/sql-safety';
import { verifyPostgresSteps } from '@agent-etl/sql-safety/postgres';
import { type TwoEngines, told } from './two-engines.ts';

/** A chain and how it is printed for an engine, its columns c0, c1, … */
export interface Chain { readonly fused: Fused; readonly kinds: readonly string[]; printed<D extends ExprDialect>(dialect: D): SqlFragment<D> }
/** What came of chains.
 * @property eager failed in one alone: DuckDB also computes what a branch does not need, and PostgreSQL folds constants of such a branch
 * @property kinds by step kind: chains with it that both answered */
export interface Compared { answered: number; failed: number; eager: number; formless: number; readonly kinds: Map<string, number>; readonly differ: { readonly n: number; readonly stages: string; readonly duckdb: string; readonly postgres: string }[] }
export const nothingCompared = (): Compared => ({ answered: 0, failed: 0, eager: 0, formless: 0, kinds: new Map(), differ: [] });

/** DuckDB shows a decimal that is all fraction without its zero. */
const shown = (value: unknown, { kind }: ColumnType): unknown => (value === null || value === undefined ? null : kind === 'f64' ? Number(value) + 0 : kind === 'dec' ? String(value).replace(/^(-?)\./, '$10.') : value);
function listed<D extends ExprDialect>(dialect: D, { fused, printed }: Chain): SqlFragment<D> {
  const sql = sqlFor(dialect);
  const list = joinSql(fused.columns.map(({ type }, index) => sql`${told(dialect, sql`${identifier(`c${index}`)}`, type)} AS ${identifier(`c${index}`)}`), sql`, `);
  return sql`SELECT ${list} FROM (${printed(dialect)}) AS made`;
}
/** Runs a chain in both engines, and counts what came of it. Rows have no order. */
export async function compareChain({ duck, postgres }: TwoEngines, chain: Chain, { n, into }: { readonly n: number; readonly into: Compared }): Promise<void> {
  const asked = async (run: () => Promise<readonly Readonly<Record<string, unknown>>[]>): Promise<string> => {
    try { return JSON.stringify((await run()).map((row) => JSON.stringify(chain.fused.columns.map(({ type }, index) => shown(row[`c${index}`], type)))).sort()); } catch (error) {
      // What an engine refuses has a code; anything else is a mistake of ours that both would share.
      const { code } = error as { code?: unknown };
      if (typeof code !== 'string') throw error;
      return code === 'sql.rejected' ? 'no form' : 'failed';
    }
  };
  const [a, b] = await Promise.all([asked(() => duck.query(compile(listed('duckdb', chain)))), asked(() => postgres.run<Record<string, unknown>>(compile(listed('postgres', chain))))]);
  if (b === 'no form') { into.formless += 1; return; }
  // What is printed for PostgreSQL is what its own parser may see.
  await verifyPostgresSteps(compile(listed('postgres', chain)), []);
  if (a === 'failed' && b === 'failed') { into.failed += 1; return; }
  if (a === 'failed' || b === 'failed') { into.eager += 1; return; }
  into.answered += 1;
  for (const kind of new Set(chain.kinds)) into.kinds.set(kind, (into.kinds.get(kind) ?? 0) + 1);
  if (a !== b) into.differ.push({ n, stages: JSON.stringify(chain.fused.stages), duckdb: a, postgres: b });
}
