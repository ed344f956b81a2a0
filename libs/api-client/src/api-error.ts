import { type ErrorCode, type Failure, Problem } from '@agent-etl/contracts';

/** What an API answered instead of what was asked for: the failure of its problem+json, or `platform.unavailable` when nobody answered. */
export class ApiError extends Error {
  readonly failure: Failure;
  /** HTTP status, or null when there was no answer. */
  readonly status: number | null;
  constructor(failure: Failure, status: number | null, cause?: unknown) {
    super(failure.text, cause === undefined ? undefined : { cause });
    this.name = 'ApiError';
    this.failure = failure;
    this.status = status;
  }
  get code(): ErrorCode { return this.failure.code; }
}

const strange = (status: number, at: string): Failure => ({
  code: 'platform.internal', text: `The API answered ${status} to ${at} in words this client does not know.`, next: 'see whether an agent-etl API of the same release answers at that address', traceId: null,
});

/** Reads an error answer. Anything but problem+json, such as a proxy's page, is told as what it is. */
export function problemOf(status: number, body: unknown, at: string): ApiError {
  const problem = Problem.safeParse(body);
  if (!problem.success) return new ApiError(strange(status, at), status);
  const { code, text, next, issues, cell, traceId } = problem.data;
  const failure = { code: code as ErrorCode, text, next, traceId, ...(issues ? { issues } : {}), ...(cell ? { cell } : {}) };
  return new ApiError(failure, status);
}

/** Nobody answered at the address. */
export function unreachable(baseUrl: string, cause: unknown): ApiError {
  const failure: Failure = {
    code: 'platform.unavailable', text: `Nothing answers at ${baseUrl}.`, next: 'see that address and service are right; without --url a command uses the standalone of its folder', traceId: null,
  };
  return new ApiError(failure, null, cause);
}
