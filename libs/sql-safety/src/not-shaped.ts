import { Refusal } from './refusal.ts';

interface Problem { readonly code?: string | undefined; readonly errors?: readonly (readonly Problem[])[] | undefined }
const isTooBig = ({ code, errors = [] }: Problem): boolean => code === 'too_big' || errors.some((branch) => branch.some(isTooBig));
/** A tree that its shape does not allow: too many of something is a limit, and a person may have written it; anything else is no tree of ours.
 * @param error what the shape said */
export const notShaped = ({ issues }: { readonly issues: readonly Problem[] }, what: 'query' | 'expression'): Refusal =>
  (issues.some(isTooBig) ? new Refusal('SQL_LIMIT', `The ${what} has a list that is too long: 5,000 values at most; put them into a dataset and join it`) : new Refusal('IR_SHAPE', `This is no ${what}`));
