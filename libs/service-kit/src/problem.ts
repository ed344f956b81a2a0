import type { ServerResponse } from 'node:http';
import { EtlError, type Problem, toFailure } from '@agent-etl/contracts';
import { HttpException } from '@nestjs/common';
import { titleOf } from './doorman.ts';

/** A thrown thing as an error of the table: what the router and its middleware throw has an HTTP status and no code. */
export function asEtlError(error: unknown): unknown {
  if (error instanceof EtlError) return error;
  const status = error instanceof HttpException ? error.getStatus() : (error as { status?: unknown } | null)?.status;
  if (status === 404) return new EtlError('access.not-found', { what: 'address' }, { cause: error });
  if (status === 401) return new EtlError('access.unauthenticated', {}, { cause: error });
  if (status === 403) return new EtlError('access.forbidden', { action: 'this' }, { cause: error });
  if (status === 413) return new EtlError('request.too-large', { what: 'The request', size: 'too long', limit: '1 MiB' }, { cause: error });
  if (typeof status === 'number' && status >= 400 && status < 500) return new EtlError('request.malformed', { format: 'HTTP', problem: 'the path or a header cannot be read', line: 1 }, { cause: error });
  return error;
}

/** The problem+json of a failure, without stack, SQL or path. */
export function problemOf(error: unknown, traceId: string | null): Problem {
  const { code, text, next, issues, cell } = toFailure(error, traceId);
  const status = error instanceof EtlError ? error.row.http ?? 500 : 500;
  return { type: 'about:blank', title: titleOf(status), status, code, text, next, ...(issues ? { issues } : {}), ...(cell ? { cell } : {}), traceId };
}

/** Writes the answer, unless one has begun: then only the connection can say that something went wrong. */
export function answerProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent) { response.destroy(); return; }
  const body = JSON.stringify(problem);
  response.statusCode = problem.status;
  response.setHeader('Content-Type', 'application/problem+json');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  if (problem.status === 503 || problem.status === 429) response.setHeader('Retry-After', '5');
  // What is left of a body that was too long is not read.
  if (problem.status === 413) response.setHeader('Connection', 'close');
  response.end(body);
}
