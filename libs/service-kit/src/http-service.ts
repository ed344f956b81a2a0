import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { App } from '@agent-etl/contracts';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Access } from './access.ts';
import { AccessGuard } from './access.guard.ts';
import { AnswerInterceptor } from './answer.interceptor.ts';
import { Doorman } from './doorman.ts';
import { checkEndpoints } from './endpoint-check.ts';
import { InFlight, frontDoor } from './front-door.ts';
import type { HealthState } from './health.ts';
import type { LiveSockets } from './live-sockets.ts';
import { pagesOf } from './pages.ts';
import { ProblemFilter } from './problem.filter.ts';
import type { Shutdown } from './shutdown.ts';

export interface HttpOptions {
  readonly apps: readonly App[]; readonly modules: readonly DynamicModule[]; readonly access: Access; readonly log: Logger; readonly host: string;
  readonly health: HealthState; readonly registries: readonly Registry[]; readonly live: LiveSockets; readonly shutdown: Shutdown;
  readonly staticFolder: string | null; readonly answers: 'trusted' | 'validated';
}
const SETTLE_MS = 3_000;

class ProcessModule {}

/** The Nest application of a process with all its doors, not listening yet. Its routes and the endpoint definitions agree, or it is not made.
 * @throws EtlError `config.invalid` */
export async function makeApplication(options: HttpOptions): Promise<INestApplication> {
  const root: DynamicModule = { module: ProcessModule, imports: [...options.modules] };
  const app = await NestFactory.create<NestExpressApplication>(root, new ExpressAdapter(), { bodyParser: false, logger: false, abortOnError: false });
  checkEndpoints(app, options.apps);
  app.disable('x-powered-by');
  app.disable('etag');
  const problems = new ProblemFilter(options.log);
  const doorman = new Doorman(options.host);
  const inFlight = new InFlight();
  app.use(frontDoor({ doorman, problems, inFlight, pages: pagesOf(options) }));
  app.useGlobalGuards(new AccessGuard(options.access));
  app.useGlobalFilters(problems);
  if (options.answers === 'validated') app.useGlobalInterceptors(new AnswerInterceptor());
  const server = app.getHttpServer() as Server;
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000; // to send a request; how long its answer takes is another matter
  options.live.attach(server, { access: options.access, doorman });
  options.shutdown.onStop('http', async () => {
    server.close(); // takes no new connection; sockets of the live feed would keep its callback waiting
    server.closeIdleConnections();
    await inFlight.settled(SETTLE_MS);
    server.closeAllConnections();
  });
  options.shutdown.onStop('live', () => options.live.close());
  options.shutdown.onStop('handlers', () => app.close());
  return app;
}

export interface Place { readonly host: string; readonly port: number; readonly isPortWish?: boolean }
/** Ports above a wished one that are tried before any free one is taken. */
const NEAR = 100;
/** Starts listening and answers the port: the wished one, or the next above it that nobody has. Trying is the only way to know: who asks first and listens later may find it taken.
 * @throws Error EADDRINUSE when the port is no wish */
export async function listen(app: INestApplication, { host, port, isPortWish = false }: Place): Promise<number> {
  for (let at = port; ; at = at - port < NEAR && at < 65_535 ? at + 1 : 0) {
    try {
      await app.listen(at, host);
      return ((app.getHttpServer() as Server).address() as AddressInfo).port;
    } catch (error) {
      if (!isPortWish || at === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}
