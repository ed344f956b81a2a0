import { EtlError, type Failure } from '@agent-etl/contracts';

/** A failure that came in a message, as the error it was: same code, same words. */
export function asError({ code, text, next, issues, cell }: Failure): EtlError {
  const error = new EtlError(code, next === null ? {} : { next }, { ...(issues ? { issues } : {}), ...(cell ? { cell } : {}) });
  error.message = text;
  return error;
}
