import { DEFAULT_TENANT, EtlError, type Failure, toFailure } from '@agent-etl/contracts';

const mostTries = 5;
const firstDelayMs = 1000;

/** The half of a DAG's id that names its owner. A tenant whose name is not known here is named by its id, which is as unique. */
export const tenantLabel = (tenantId: string): string => (tenantId === DEFAULT_TENANT.id ? DEFAULT_TENANT.name : `t_${tenantId.replaceAll('-', '')}`);

export type Consequence = { readonly then: 'again'; readonly inMs: number } | { readonly then: 'failed'; readonly failure: Failure };
/** What follows when a DAG could not be made: another try, later each time, for what may pass by itself; the end for what will not.
 * @param tries tries so far, this one included */
export function afterFailure(error: unknown, tries: number): Consequence {
  const passes = !(error instanceof EtlError) || error.row.retry === 'backoff' || error.row.retry === 'after';
  if (passes && tries < mostTries) return { then: 'again', inMs: firstDelayMs * 4 ** (tries - 1) };
  return { then: 'failed', failure: toFailure(error) };
}

/** A kept failure as the error that it was, for who asks for the DAG. */
export function asError({ code, text, issues = [] }: Failure): EtlError {
  return Object.assign(new EtlError(code, {}, { issues }), { message: text });
}
