import type { ErrorCode, Failure } from '@agent-etl/contracts';

/** What a script may rely on: green · failed or refused · wrong use · a person must answer or approve · interrupted. */
export const exitCodes = { green: 0, failed: 1, wrongUse: 2, needsPerson: 3, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const personCodes: readonly ErrorCode[] = ['request.ambiguous', 'plan.needs-approval'];
/** The exit code of a failure. */
export const exitCodeOf = ({ code }: Pick<Failure, 'code'>): ExitCode =>
  (code === 'run.cancelled' ? exitCodes.interrupted : personCodes.includes(code) ? exitCodes.needsPerson : exitCodes.failed);

/** The command was typed wrongly: one sentence and what to type instead. */
export class WrongUse extends Error {
  readonly next: string | null;
  constructor(text: string, next: string | null = null) {
    super(text);
    this.name = 'WrongUse';
    this.next = next;
  }
}
