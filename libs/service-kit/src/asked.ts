import type { IncomingMessage } from 'node:http';
import type { Caller } from './access.ts';

/** A request on its way through the doors of service-kit. */
export interface Asked extends IncomingMessage {
  /** What to quote to find its log lines. */
  traceId?: string;
  /** Parsed JSON, or undefined when there was no body. */
  body?: unknown;
  /** Named parts of the path, set by the router. */
  params?: Record<string, string>;
  /** The path as it came; a router may rewrite `url`. */
  originalUrl?: string;
  caller?: Caller;
}

/** The query as an object. A name that comes twice becomes a list, which no schema of ours takes for one value. */
export function queryOf({ originalUrl, url }: Asked): Record<string, string | string[]> {
  const search = new URL(originalUrl ?? url ?? '/', 'http://localhost').searchParams;
  return Object.fromEntries([...new Set(search.keys())].map((name) => {
    const values = search.getAll(name);
    return [name, values.length === 1 ? values[0]! : values];
  }));
}
