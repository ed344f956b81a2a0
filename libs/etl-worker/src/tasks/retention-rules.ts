import { type TaskState, taskTransitions } from './task-state.ts';

/** States that nothing follows: the only ones a row may be dropped in. */
export const endedStates: readonly TaskState[] = (Object.keys(taskTransitions) as TaskState[]).filter((state) => taskTransitions[state].length === 0);

/** Tasks dropped in one go: a sweep has more to do than this. */
export const MOST_DROPPED = 200;
const HOUR_MS = 3_600_000;

/** Milliseconds until old tasks are looked for again. After a full part the rest follows with the next sweep. */
export const restMs = (dropped: number): number => (dropped < MOST_DROPPED ? HOUR_MS : 0);
