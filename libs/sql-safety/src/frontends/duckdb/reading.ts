import type { Expr, Query, QueryOrder, QueryUse, QueryValue } from '@agent-etl/contracts';
import type { ForeignDialect } from './foreign-dialect.ts';
import type { Json } from './tree.ts';

/** What a value needs to know of the query around it. */
export interface Reading {
  readonly dialect: ForeignDialect;
  /** Whether the text spells out (18,3): the parser says the same of a bare numeric. */
  readonly saysThousandths: boolean;
  /** Whether the text says SIMILAR TO: the parser says the same of PostgreSQL's ~. */
  readonly saysSimilar: boolean;
  query(node: Json | undefined): Query;
}
/** What a part of a value needs to know of the value around it. */
export interface Inner { readonly reading: Reading; use(what: QueryUse): Expr; value(child: Json | undefined): QueryValue; order(child: Json): QueryOrder }
