import type { ServerResponse } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { Logger } from 'pino';
import { type Observable, throwError } from 'rxjs';
import type { Asked } from './asked.ts';
import { answerProblem, asEtlError, problemOf } from './problem.ts';

/** Answers everything that is thrown behind a REST door as problem+json; what a message handler throws goes back to the bus, which tries again. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): Observable<never> | void {
    if (host.getType() !== 'http') return throwError(() => thrown);
    const http = host.switchToHttp();
    this.answer(thrown, http.getRequest<Asked>(), http.getResponse<ServerResponse>());
  }

  answer(thrown: unknown, request: Asked, response: ServerResponse): void {
    const error = asEtlError(thrown);
    const problem = problemOf(error, request.traceId ?? null);
    const entry = { traceId: problem.traceId, code: problem.code, method: request.method, path: (request.originalUrl ?? request.url ?? '').split('?')[0] };
    if (problem.status >= 500) this.log.error({ ...entry, err: error }, 'request failed');
    else this.log.debug(entry, 'request refused');
    answerProblem(response, problem);
  }
}
