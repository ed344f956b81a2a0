import type { Issue } from '@agent-etl/contracts';
import type { RefusalCode } from './refusal.ts';

const LISTED = 'docs/reference/expressions.md lists what there is';
/** What helps where the refusal itself names no way out. */
const byCode: Readonly<Record<RefusalCode, string>> = {
  SQL_TOO_LARGE: 'take a part of it into a step before: an expression has at most 8 KiB, a query 64 KiB', SQL_BAD_CHAR: 'type the character at that place again: it is invisible, or ends a line for some engines alone',
  SQL_TOO_DEEP: 'take a part of it into a query of WITH, or into a step before', SQL_TOO_MANY_COMMENTS: 'leave the comments out', SQL_SYNTAX: 'look just before that place for a bracket, a quote or a comma; SQL of another engine needs its name (--dialect, or dialect: in the step)',
  SQL_NOT_ONE_EXPRESSION: 'write one value or condition: a query of its own is a step query', SQL_NOT_ONE_SELECT: 'keep one SELECT, which may begin with WITH, and put each other statement into a file of its own',
  SQL_NODE: `write it with what every engine has; ${LISTED}`, SQL_KEY: `leave that word out, or write it as a query around; ${LISTED}`, SQL_FUNCTION: `call one of the functions that mean the same everywhere; ${LISTED}`,
  SQL_RELATION: 'name a relation of the schema; a step query sees input and what its with names', SQL_COLUMN: 'name a column of the relations that are read there', SQL_IDENTIFIER: 'rename it, to at most 63 bytes that can be seen', SQL_LITERAL: 'write the constant out, as its type spells it',
  SQL_TYPE: 'cast one side, such as cast(x as decimal(18,4)), so that both have one type', SQL_ARITY: `give it the arguments that it takes; ${LISTED}`, SQL_AGGREGATE_PLACE: 'add the column to GROUP BY, or put it into an aggregate such as max', SQL_POLICY: 'leave that part out, or ask whoever keeps the policy',
  SQL_LIMIT: 'take a part of it into a query or a step of its own', SQL_NO_FORM: 'leave engine out, or write it with what that engine has', IR_SHAPE: 'plan again: what is stored is no plan of this release', STEP_COLUMN_CLASH: 'rename or drop one of the two before',
  STEP_ORDER_NOT_TOTAL: 'say which row comes first, so that no engine chooses', STEP_SORT_LOST: 'leave the order out, or give it a limit right behind',
};
/** A way out that the refusal names: behind a colon or a semicolon, and told as something to do. */
const NAMED = /(?:[:;] |, or )((?:use|write|name|cast|give|leave|say|add|rename|drop|put|number|compare|make|order|take|say)\b[^:]*?)(?:, at (?:line|character) .*)?\.?$/;
const MEANT = /did you mean (.+?)(?:, at (?:line|character) .*)?[.?]?$/;

/** What to do about issues, in the words of the first: a refused construct names what takes its place. */
export function nextStep(issues: readonly Pick<Issue, 'code' | 'text'>[]): string {
  const [first] = issues;
  const meant = MEANT.exec(first?.text ?? '')?.[1];
  if (meant !== undefined) return `write ${meant}`;
  const named = NAMED.exec(first?.text ?? '')?.[1];
  if (named !== undefined) return named;
  return Object.hasOwn(byCode, first?.code ?? '') ? byCode[first!.code as RefusalCode] : LISTED;
}
