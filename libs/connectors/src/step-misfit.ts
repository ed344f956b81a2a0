/** What to do about a value that a step of the pipeline could not cast: the target is no part of it. */
export const STEP_MISFIT = 'mend the value at the source, or make the step take it: onError: null in a cast, try_cast in an expression';
