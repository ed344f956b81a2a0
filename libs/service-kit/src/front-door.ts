import type { ServerResponse } from 'node:http';
import type { Asked } from './asked.ts';
import type { Doorman } from './doorman.ts';
import type { ProblemFilter } from './problem.filter.ts';
import { readBody } from './read-body.ts';
import { traceIdOf } from './trace.ts';

export interface FrontDoorOptions {
  readonly doorman: Doorman; readonly problems: ProblemFilter; readonly inFlight: InFlight;
  readonly pages: (request: Asked, response: ServerResponse) => Promise<boolean>;
}
type Middleware = (request: Asked, response: ServerResponse, next: () => void) => void;

/** Requests that are being answered: stopping waits for them. */
export class InFlight {
  #count = 0;
  #idle: (() => void) | undefined;
  enter(response: ServerResponse): void {
    this.#count += 1;
    response.once('close', () => { this.#count -= 1; if (this.#count === 0) this.#idle?.(); });
  }
  async settled(limitMs: number): Promise<void> {
    if (this.#count === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((done) => { this.#idle = done; timer = setTimeout(done, limitMs); });
    clearTimeout(timer);
  }
}

/** What every request passes before a controller: trace id, safe headers, the doorman, the pages, its body. */
export function frontDoor({ doorman, problems, inFlight, pages }: FrontDoorOptions): Middleware {
  const enter = async (request: Asked, response: ServerResponse, next: () => void): Promise<void> => {
    request.traceId = traceIdOf(headerOf(request, 'traceparent'));
    inFlight.enter(response);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    doorman.check(request);
    if (await pages(request, response)) return;
    response.setHeader('Cache-Control', 'no-store');
    request.body = await readBody(request);
    next();
  };
  return (request, response, next) => { enter(request, response, next).catch((error: unknown) => { problems.answer(error, request, response); }); };
}
const headerOf = ({ headers }: Asked, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
};
