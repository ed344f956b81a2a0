import { describe, expect, it } from '@jest/globals';
import { nextStep } from './next-step.ts';
import { refusalCodes } from './refusal.ts';

describe('what to do about a refusal', () => {
  it.each([
    ['SQL_NODE', 'PIVOT and UNPIVOT are not supported: use aggregates with FILTER, or UNION ALL, at character 12.', 'use aggregates with FILTER, or UNION ALL'],
    ['SQL_COLUMN', 'There is no such column here; did you mean status, at line 2, column 3 of the query.', 'write status'], ['SQL_TYPE', 'decimal is needed, this is text; cast it.', 'cast it'],
    ['STEP_ORDER_NOT_TOTAL', 'max_by chooses among rows with equal keys; number the rows with row_number() and take the first.', 'number the rows with row_number() and take the first'],
    ['SQL_NODE', 'WITH RECURSIVE is not supported: it may never end.', 'write it with what every engine has; docs/reference/expressions.md lists what there is'], ['SQL_NOT_ONE_SELECT', 'One SELECT is expected.', 'keep one SELECT, which may begin with WITH, and put each other statement into a file of its own'],
    ['SQL_NODE', 'ANY and ALL of a query are not supported: compare with its max or min.', 'compare with its max or min'],
  ])('names what takes the place of a construct: %s %s', (code, text, next) => { expect(nextStep([{ code, text }])).toBe(next); });
  it('has words for every code', () => { for (const code of refusalCodes) expect(nextStep([{ code, text: 'No.' }])).not.toBe(nextStep([])); });
});
