import { randomBytes } from 'node:crypto';

const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

/** The trace id of a W3C `traceparent`, or a new one when there is none or it is not valid: 32 hex digits. */
export function traceIdOf(header: string | undefined): string {
  const given = traceparent.exec(header ?? '')?.[1];
  return given && !/^0+$/.test(given) ? given : randomBytes(16).toString('hex');
}
