import { Refusal } from '../../refusal.ts';
import { type Tree, offsetOf } from './tree.ts';

/** What becomes of each kind of node that the parser can say: read, or refused by these words. A kind that is not here is refused, too; the corpus holds the list against what the parser says. */
export type Decision = 'read' | { readonly refused: string };
const no = (refused: string): Decision => ({ refused });

/** Classes of expressions, `class`. */
export const expressionDecisions: Readonly<Record<string, Decision>> = {
  BETWEEN: 'read', CASE: 'read', CAST: 'read', COLLATE: no('COLLATE is not supported: texts are ordered by code points everywhere'), COLUMN_REF: 'read', COMPARISON: 'read', CONJUNCTION: 'read', CONSTANT: 'read', FUNCTION: 'read',
  LAMBDA: no('A lambda is not supported: PostgreSQL has none'), OPERATOR: 'read', PARAMETER: no('A parameter is not supported: write the value'), POSITIONAL_REFERENCE: no('A column by its number (#1) is not supported: name it'),
  STAR: no('The star is not supported here: name the columns'), SUBQUERY: 'read', WINDOW: 'read',
};
/** Kinds of operators, `type` of the class OPERATOR. */
export const operatorDecisions: Readonly<Record<string, Decision>> = {
  ARRAY_CONSTRUCTOR: no('ARRAY[...] is not supported: lists are not in every engine'), ARRAY_EXTRACT: no('An item of a list is not supported'), ARRAY_SLICE: no('A slice is not supported: use substring'),
  COMPARE_IN: 'read', COMPARE_NOT_IN: 'read', GROUPING_FUNCTION: 'read', OPERATOR_COALESCE: 'read', OPERATOR_IS_NOT_NULL: 'read', OPERATOR_IS_NULL: 'read', OPERATOR_NOT: 'read', OPERATOR_TRY: no('TRY is not supported: use try_cast'),
  OPERATOR_UNPACK: no('*COLUMNS is not supported: name the columns'), STRUCT_EXTRACT: no('A field of a struct is not supported'),
};
/** Kinds of relations in FROM, `type`. */
export const relationDecisions: Readonly<Record<string, Decision>> = {
  BASE_TABLE: 'read', EMPTY: 'read', EXPRESSION_LIST: 'read', JOIN: 'read', PIVOT: no('PIVOT and UNPIVOT are not supported: use aggregates with FILTER, or UNION ALL'), SHOW_REF: no('DESCRIBE, SHOW and SUMMARIZE are not supported'), SUBQUERY: 'read',
  TABLE_FUNCTION: no('A function in FROM is not supported: only relations of the schema are read'),
};
/** Kinds of queries, `type`. */
export const queryDecisions: Readonly<Record<string, Decision>> = {
  RECURSIVE_CTE_NODE: no('WITH RECURSIVE is not supported: it may never end'), SELECT_NODE: 'read', SET_OPERATION_NODE: 'read',
};
/** Kinds of modifiers behind a query, `type`. */
export const modifierDecisions: Readonly<Record<string, Decision>> = {
  DISTINCT_MODIFIER: 'read', LIMIT_MODIFIER: 'read', LIMIT_PERCENT_MODIFIER: no('LIMIT in percent is not supported: give a number of rows'), ORDER_MODIFIER: 'read',
};

/** @throws Refusal `SQL_NODE` in the words of the decision */
export function decided(decisions: Readonly<Record<string, Decision>>, node: Tree): void {
  const { type } = node;
  const decision = typeof type === 'string' && Object.hasOwn(decisions, type) ? decisions[type] : undefined;
  if (decision !== 'read') throw new Refusal('SQL_NODE', decision?.refused ?? 'Something here is not supported', offsetOf(node));
}
