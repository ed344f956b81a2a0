import { z } from 'zod';
import { SafeText } from '../ids.ts';
import { Expr } from './expr.ts';

/** Aggregates that a query may call, each with one meaning in every engine that has it. */
export const queryAggregates = [
  'avg', 'bool_and', 'bool_or', 'corr', 'count', 'count_if', 'covar_pop', 'covar_samp', 'max', 'max_by', 'median', 'min', 'min_by', 'percentile_cont', 'percentile_disc', 'stddev_pop', 'stddev_samp', 'string_agg', 'sum', 'var_pop', 'var_samp',
] as const;
export type QueryAggregate = (typeof queryAggregates)[number];
/** Functions that only stand before OVER. */
export const queryWindowFunctions = ['cume_dist', 'dense_rank', 'first_value', 'lag', 'last_value', 'lead', 'nth_value', 'ntile', 'percent_rank', 'rank', 'row_number'] as const;
export type QueryWindowFunction = (typeof queryWindowFunctions)[number];
export const frameBounds = ['unbounded preceding', 'preceding', 'current row', 'following', 'unbounded following'] as const;

/** A value of a query: an expression whose columns are named `$0`, `$1`, …, each of which says in `uses` what it stands for. So the language of expressions is one, in steps and in queries. */
export interface QueryValue { expr: Expr; uses: QueryUse[] }
export interface QueryOrder { e: QueryValue; dir: 'asc' | 'desc'; nulls: 'first' | 'last' }
export interface FrameBound { at: (typeof frameBounds)[number]; n: number | null }
export interface QueryFrame { unit: 'rows' | 'range'; from: FrameBound; to: FrameBound }
export type QueryUse =
  | { k: 'column'; rel: string | null; name: string; at?: number | undefined }
  | { k: 'aggregate'; fn: QueryAggregate; args: QueryValue[]; distinct: boolean; order: QueryOrder[]; where: QueryValue | null }
  | { k: 'window'; fn: QueryAggregate | QueryWindowFunction; args: QueryValue[]; partition: QueryValue[]; order: QueryOrder[]; frame: QueryFrame | null; where: QueryValue | null }
  | { k: 'scalar'; query: Query }
  | { k: 'exists'; query: Query }
  | { k: 'in'; e: QueryValue; query: Query }
  | { k: 'grouping'; of: QueryValue }
  | { k: 'clock'; is: 'date' | 'ts' };
export type QueryItem = { k: 'value'; value: QueryValue; as: string | null } | { k: 'star'; rel: string | null; except: string[]; replace: { name: string; value: QueryValue }[] };
export const queryJoinKinds = ['inner', 'left', 'right', 'full', 'cross', 'semi', 'anti'] as const;
export type QueryFrom =
  | { k: 'table'; name: string[]; as: string | null; columns: string[]; at?: number | undefined }
  | { k: 'query'; query: Query; as: string | null; columns: string[] }
  | { k: 'values'; rows: QueryValue[][]; as: string | null; columns: string[] }
  | { k: 'join'; kind: (typeof queryJoinKinds)[number]; left: QueryFrom; right: QueryFrom; on: QueryValue | null; using: string[]; natural: boolean };
/** @property sets which of `by` make each grouping set, by their place
 * @property all whether every value without an aggregate is a key (GROUP BY ALL) */
export interface QueryGroup { by: QueryValue[]; sets: number[][]; all: boolean }
export type QueryBody =
  | { k: 'select'; distinct: boolean; distinctOn: QueryValue[]; items: QueryItem[]; from: QueryFrom | null; where: QueryValue | null; group: QueryGroup | null; having: QueryValue | null; qualify: QueryValue | null }
  | { k: 'set'; op: 'union' | 'except' | 'intersect'; all: boolean; left: Query; right: Query };
export interface QueryCte { name: string; columns: string[]; query: Query }
export interface Query { ctes: QueryCte[]; body: QueryBody; order: QueryOrder[]; limit: number | null; offset: number | null }

const Name = SafeText.min(1).max(255);
const names = z.array(Name).max(2_000);
const query = z.lazy((): z.ZodType<Query> => Query);
const from = z.lazy((): z.ZodType<QueryFrom> => From);
const value = z.lazy((): z.ZodType<QueryValue> => Value);
const values = z.array(value).max(2_000);
const count = z.int().nonnegative().max(1_000_000_000);
const place = z.int().nonnegative().optional().describe('Where it stands in the text that it was read from, in bytes; for messages only.');
const node = <K extends string, S extends z.core.$ZodLooseShape>(kind: K, shape: S) => z.object({ k: z.literal(kind).describe('Kind.'), ...shape }).strict();

const QueryOrder = z.object({ e: value.describe('Value.'), dir: z.enum(['asc', 'desc']).describe('Direction.'), nulls: z.enum(['first', 'last']).describe('Where NULL stands.') }).strict();
const orders = z.array(QueryOrder).max(200);
const Bound = z.object({ at: z.enum(frameBounds).describe('Bound.'), n: count.nullable().describe('Rows, of preceding and following.') }).strict();
const Frame = z.object({ unit: z.enum(['rows', 'range']).describe('Unit.'), from: Bound.describe('First row.'), to: Bound.describe('Last row.') }).strict();
const Use: z.ZodType<QueryUse> = z.discriminatedUnion('k', [
  node('column', { rel: Name.nullable().describe('Relation before the dot.'), name: Name.describe('Column.'), at: place }),
  node('aggregate', { fn: z.enum(queryAggregates).describe('Function.'), args: values.describe('Arguments.'), distinct: z.boolean().describe('Whether equal values count once.'), order: orders.describe('Order of the values.'), where: value.nullable().describe('Which rows count.') }),
  node('window', { fn: z.enum([...queryAggregates, ...queryWindowFunctions]).describe('Function.'), args: values.describe('Arguments.'), partition: values.describe('Keys of a partition.'), order: orders.describe('Order in a partition.'), frame: Frame.nullable().describe('Rows that are seen; null is what the standard says.'), where: value.nullable().describe('Which rows count.') }),
  node('scalar', { query: query.describe('Query of one value.') }),
  node('exists', { query: query.describe('Query.') }),
  node('in', { e: value.describe('Value.'), query: query.describe('Query of one column.') }),
  node('grouping', { of: value.describe('Key of the grouping.') }),
  node('clock', { is: z.enum(['date', 'ts']).describe('Day or time of the run, UTC.') }),
]);
const Value = z.object({ expr: Expr.describe('Expression over $0, $1 and so on.'), uses: z.array(Use).max(2_000).describe('What each of them is.') }).strict();
const Item: z.ZodType<QueryItem> = z.discriminatedUnion('k', [
  node('value', { value: value.describe('Value.'), as: Name.nullable().describe('Name.') }),
  node('star', { rel: Name.nullable().describe('Relation before the dot.'), except: names.describe('Columns left out.'), replace: z.array(z.object({ name: Name.describe('Column.'), value: value.describe('Value in its place.') }).strict()).max(2_000).describe('Columns with another value.') }),
]);
const From: z.ZodType<QueryFrom> = z.discriminatedUnion('k', [
  node('table', { name: z.array(Name).min(1).max(3).describe('Name in its parts.'), as: Name.nullable().describe('Alias.'), columns: names.describe('Names of its columns.'), at: place }),
  node('query', { query: query.describe('Query.'), as: Name.nullable().describe('Alias.'), columns: names.describe('Names of its columns.') }),
  node('values', { rows: z.array(values.min(1)).min(1).max(5_000).describe('Rows.'), as: Name.nullable().describe('Alias.'), columns: names.describe('Names of its columns.') }),
  node('join', { kind: z.enum(queryJoinKinds).describe('Kind of join.'), left: from.describe('Left.'), right: from.describe('Right.'), on: value.nullable().describe('Condition.'), using: names.describe('Columns that both have.'), natural: z.boolean().describe('Whether all common columns join.') }),
]);
const Group = z.object({ by: values.describe('Keys.'), sets: z.array(z.array(count)).max(512).describe('Grouping sets, by places of keys.'), all: z.boolean().describe('Whether every value without an aggregate is a key.') }).strict();
const Body: z.ZodType<QueryBody> = z.discriminatedUnion('k', [
  node('select', {
    distinct: z.boolean().describe('Whether equal rows count once.'), distinctOn: values.describe('Keys of which the first row stays.'), items: z.array(Item).min(1).max(2_000).describe('Columns.'), from: from.nullable().describe('Relations.'),
    where: value.nullable().describe('Which rows.'), group: Group.nullable().describe('Groups.'), having: value.nullable().describe('Which groups.'), qualify: value.nullable().describe('Which rows behind the windows.'),
  }),
  node('set', { op: z.enum(['union', 'except', 'intersect']).describe('Operation.'), all: z.boolean().describe('Whether equal rows stay.'), left: query.describe('Left.'), right: query.describe('Right.') }),
]);
export const Query: z.ZodType<Query> = z.object({
  ctes: z.array(z.object({ name: Name.describe('Name.'), columns: names.describe('Names of its columns.'), query: query.describe('Query.') }).strict()).max(100).describe('Queries by name, each seen by those behind it.'),
  body: Body.describe('What it selects.'), order: orders.describe('Order of rows.'), limit: count.nullable().describe('Rows at most.'), offset: count.nullable().describe('Rows left out before them.'),
}).strict().meta({ id: 'Query', description: 'A SELECT as a closed tree: what foreign SQL is lowered to and what every dialect is printed from.' });
