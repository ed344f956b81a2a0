import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { type Observable, map } from 'rxjs';
import { endpointOf } from './endpoint-binding.ts';

/** For tests: an answer that its endpoint does not describe is an error of the service. */
export class AnswerInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    const endpoint = context.getType() === 'http' ? endpointOf(context.getHandler()) : undefined;
    return endpoint ? next.handle().pipe(map((answer) => { endpoint.response.parse(answer); return answer; })) : next.handle();
  }
}
