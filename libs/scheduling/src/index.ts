export { cronProblem, scheduleIssues, zoneProblem } from './schedule-rules.ts';
export { type Due, dueSlot, nextSlot } from './slots.ts';
export { zones } from './zones.ts';
