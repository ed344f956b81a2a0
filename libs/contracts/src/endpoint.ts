import { z } from 'zod';

export const roles = ['viewer', 'editor', 'admin', 'airflow'] as const;
export type Role = (typeof roles)[number];
export type EndpointOwner = 'orchestrator' | 'dag-generator' | 'monitor' | 'standalone';
type Shape = z.ZodType;

/** One REST endpoint: the controller, the client, OpenAPI and the policy check all read this. */
export interface Endpoint<P extends Shape = Shape, Q extends Shape = Shape, B extends Shape = Shape, R extends Shape = Shape> {
  readonly method: 'GET' | 'POST' | 'PUT'; readonly path: string; readonly app: EndpointOwner; readonly roles: readonly Role[];
  readonly says: string; readonly status: number; readonly params: P; readonly query: Q; readonly body: B; readonly response: R;
}
export const nothing = z.object({}).strict();
export const noBody = z.undefined();
type Optional<P extends Shape, Q extends Shape, B extends Shape, R extends Shape> =
  Pick<Endpoint<P, Q, B, R>, 'method' | 'path' | 'app' | 'roles' | 'says' | 'response'> & Partial<Pick<Endpoint<P, Q, B, R>, 'status' | 'params' | 'query' | 'body'>>;

export function endpoint<R extends Shape, P extends Shape = typeof nothing, Q extends Shape = typeof nothing, B extends Shape = typeof noBody>(
  definition: Optional<P, Q, B, R>,
): Endpoint<P, Q, B, R> {
  return { status: 200, params: nothing as unknown as P, query: nothing as unknown as Q, body: noBody as unknown as B, ...definition };
}
/** What a controller gets: parsed path, query and body, the caller, and the idempotency key if one came. */
export interface Call<E extends Endpoint> {
  params: z.output<E['params']>; query: z.output<E['query']>; body: z.output<E['body']>;
  caller: { tenantId: string; name: string; role: Role }; idempotencyKey: string | null;
}
export type Answer<E extends Endpoint> = z.output<E['response']>;
