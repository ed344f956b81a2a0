import type { Answer, Endpoint } from '@agent-etl/contracts';
import type { z } from 'zod';
import { problemOf, unreachable } from './api-error.ts';

type Empty = Record<string, never>;
type Part<K extends string, T> = [T] extends [undefined] ? { [name in K]?: undefined } : [Empty] extends [T] ? { [name in K]?: T } : { [name in K]: T };
/** What a call needs: exactly the path, query and body that the endpoint declares. */
export type CallInput<E extends Endpoint> = Part<'params', z.input<E['params']>> & Part<'query', z.input<E['query']>> & Part<'body', z.input<E['body']>>
  & { readonly idempotencyKey?: string; readonly signal?: AbortSignal };
type AnyInput = CallInput<Endpoint> & { params?: Record<string, unknown>; query?: Record<string, unknown>; body?: unknown };

export interface ClientOptions {
  /** Address of the edge or of a standalone, such as http://127.0.0.1:8080. */
  readonly baseUrl: string;
  readonly token?: string;
  /** Sent as User-Agent where the runtime allows it. */
  readonly name?: string;
  /** How long one answer may take; without it as long as the runtime waits. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof fetch;
}
export interface Client {
  readonly baseUrl: string;
  /** Calls an endpoint and parses its answer. @throws ApiError with the failure of the API, or `platform.unavailable` when nobody answers */
  call<E extends Endpoint>(endpoint: E, ...input: Empty extends CallInput<E> ? [CallInput<E>?] : [CallInput<E>]): Promise<Answer<E>>;
}

const fillPath = (path: string, params: Record<string, unknown>): string =>
  path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name])));
const queryText = (query: Record<string, unknown>): string => {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined).map(([name, value]): [string, string] => [name, String(value)]);
  return pairs.length ? `?${new URLSearchParams(pairs).toString()}` : '';
};
const asJson = (text: string): unknown => {
  try { return JSON.parse(text) as unknown; } catch { return undefined; }
};

/** A client whose calls are typed by the endpoint definitions that the controllers serve. Runs in Node and in browsers. */
export function createClient({ baseUrl, token, name, timeoutMs, fetch: send = fetch }: ClientOptions): Client {
  const base = baseUrl.replace(/\/+$/, '');
  const headersFor = (input: AnyInput): Record<string, string> => ({
    accept: 'application/json',
    ...(token ? { authorization: `Bearer ${token}` } : {}), ...(name ? { 'user-agent': name } : {}),
    ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(input.idempotencyKey ? { 'idempotency-key': input.idempotencyKey } : {}),
  });
  return {
    baseUrl: base,
    async call<E extends Endpoint>(endpoint: E, given?: CallInput<E>): Promise<Answer<E>> {
      const input = (given ?? {}) as AnyInput;
      const at = `${endpoint.method} ${fillPath(endpoint.path, input.params ?? {})}`;
      const url = base + fillPath(endpoint.path, input.params ?? {}) + queryText(input.query ?? {});
      const body = input.body === undefined ? undefined : JSON.stringify(input.body);
      const signals = [...(input.signal ? [input.signal] : []), ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)])];
      const lost = (cause: unknown): never => { throw input.signal?.aborted ? cause : unreachable(base, cause); };
      const response = await send(url, { method: endpoint.method, headers: headersFor(input), ...(body === undefined ? {} : { body }), ...(signals.length ? { signal: AbortSignal.any(signals) } : {}) }).catch(lost);
      const answer = asJson(await response.text().catch(lost));
      if (!response.ok) throw problemOf(response.status, answer, at);
      const parsed = endpoint.response.safeParse(answer);
      if (!parsed.success) throw problemOf(response.status, undefined, at);
      return parsed.data as Answer<E>;
    },
  };
}
