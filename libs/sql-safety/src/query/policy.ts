import type { ColumnType } from '@agent-etl/contracts';

/** @property denied whether the policy forbids to read it */
export interface SchemaColumn { readonly name: string; readonly type: ColumnType; readonly denied?: boolean }
/** A relation that a query may read.
 * @property parts its name as it is printed: schema and name, or a name */
export interface SchemaRelation { readonly parts: readonly [string] | readonly [string, string]; readonly columns: readonly SchemaColumn[] }
export type Schema = readonly SchemaRelation[];

export const QUERY_LIMITS = { nodes: 20_000, joins: 16, ctes: 100, columns: 2_000, nested: 24, relations: 64, sets: 64 } as const;
/** What a query may be made of. What is not allowed is refused by name. */
export interface QueryPolicy {
  readonly query: boolean;
  readonly subquery: boolean;
  readonly cte: boolean;
  readonly star: boolean;
  readonly window: boolean;
  readonly clock: boolean;
  /** Whether a sum or an average of doubles may stand, whose last digits hang on the order of rows. */
  readonly inexactSums: boolean;
  /** Whether the answer may hang on nothing but the rows: orders are made total, and what hangs on the order of rows beyond that is refused. */
  readonly settled: boolean;
  readonly limits: { readonly [L in keyof typeof QUERY_LIMITS]: number };
}
/** For SQL of people. */
export const POLICY_QUERY: QueryPolicy = { query: true, subquery: true, cte: true, star: true, window: true, clock: true, inexactSums: true, settled: false, limits: QUERY_LIMITS };
/** For SQL of people as a step: what it answers is hashed twice, so it is the same each time that it is asked. */
export const POLICY_STEP: QueryPolicy = { ...POLICY_QUERY, clock: false, inexactSums: false, settled: true };
/** For what a model proposes: it has steps, and no query. */
export const POLICY_MODEL: QueryPolicy = { query: false, subquery: false, cte: false, star: false, window: false, clock: false, inexactSums: false, settled: true, limits: QUERY_LIMITS };
export const relationKey = ({ parts }: SchemaRelation): string => parts.join('.');
