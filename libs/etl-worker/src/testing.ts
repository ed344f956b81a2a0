export { type Case, unsound } from './testing/oracle.ts';
export type { Ask } from './testing/oracle/ask.ts';
export type { Places } from './testing/oracle/traces.ts';
