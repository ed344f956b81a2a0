import { ApiError } from '@agent-etl/api-client';
import { EtlError, type Failure, toFailure } from '@agent-etl/contracts';
import { type ExitCode, WrongUse, exitCodeOf, exitCodes } from './exit-codes.ts';

/** Any thrown thing as a failure for this terminal. What nobody expected keeps its own words here: they go to the person at the keyboard only. */
export function failureOf(error: unknown): { failure: Failure; code: ExitCode } {
  if (error instanceof ApiError) return { failure: error.failure, code: exitCodeOf(error.failure) };
  if (error instanceof EtlError) return { failure: toFailure(error), code: exitCodeOf(error) };
  if (error instanceof WrongUse) return { failure: { code: 'request.invalid', text: error.message, next: error.next, traceId: null }, code: exitCodes.wrongUse };
  const text = error instanceof Error ? error.message : String(error);
  return { failure: { code: 'platform.internal', text, next: 'run it again with --debug to see where', traceId: null }, code: exitCodes.failed };
}
