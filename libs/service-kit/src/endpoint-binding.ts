import { type Call, type Endpoint, EtlError, type Issue, issuesOf } from '@agent-etl/contracts';
import { type ExecutionContext, Get, HttpCode, Post, Put, SetMetadata, applyDecorators, createParamDecorator } from '@nestjs/common';
import type { z } from 'zod';
import { type Asked, queryOf } from './asked.ts';

const SERVES = Symbol('the endpoint that a method serves');
const route = { GET: Get, POST: Post, PUT: Put } as const;

/** Makes a controller method the one that answers an endpoint: method, path, roles, status, parsing and documentation all come from its definition. */
export function Serves(endpoint: Endpoint): MethodDecorator {
  return applyDecorators(route[endpoint.method](endpoint.path), HttpCode(endpoint.status), SetMetadata(SERVES, endpoint));
}
export const endpointOf = (method: object): Endpoint | undefined => Reflect.getMetadata(SERVES, method) as Endpoint | undefined;

/** The call, parsed with the schemas of the endpoint that the method serves.
 * A request that breaks them never reaches the method: it is answered with `request.invalid` and every issue. */
export const Input = createParamDecorator((_: unknown, context: ExecutionContext): Call<Endpoint> => {
  const endpoint = endpointOf(context.getHandler());
  if (!endpoint) throw new Error(`${context.getHandler().name} has @Input but no @Serves`);
  return parseCall(endpoint, context.switchToHttp().getRequest<Asked>());
}) as () => ParameterDecorator;

/** Parses path, query and body. @throws EtlError `request.invalid` with the issues of all three */
export function parseCall(endpoint: Endpoint, asked: Asked): Call<Endpoint> {
  const issues: Issue[] = [];
  const parse = (part: string, schema: z.ZodType, value: unknown): unknown => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    issues.push(...issuesOf(parsed.error).map((issue) => ({ ...issue, path: part === 'body' ? issue.path : `/${part}${issue.path === '/' ? '' : issue.path}` })));
    return undefined;
  };
  const call = { params: parse('path', endpoint.params, asked.params), query: parse('query', endpoint.query, queryOf(asked)), body: parse('body', endpoint.body, bodyOf(endpoint, asked)) };
  const key = keyOf(asked, issues);
  if (issues.length) throw new EtlError('request.invalid', { pointer: issues[0]!.path, problem: issues[0]!.text }, { issues });
  if (!asked.caller) throw new EtlError('access.unauthenticated');
  return { ...call, caller: { ...asked.caller }, idempotencyKey: key };
}

/** `{}` is what many clients send when there is nothing to say. */
function bodyOf(endpoint: Endpoint, { body }: Asked): unknown {
  const isEmpty = typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length === 0;
  return isEmpty && endpoint.body.safeParse(undefined).success ? undefined : body;
}

function keyOf({ headers }: Asked, issues: Issue[]): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,128}$/.test(key)) return key;
  issues.push({ code: 'invalid_format', path: '/headers/idempotency-key', text: 'use 1 to 128 visible ASCII characters' });
  return null;
}
