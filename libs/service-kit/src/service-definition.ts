import type { App } from '@agent-etl/contracts';
import type { MessageBus, OnGivenUp, Outbox } from '@agent-etl/messaging';
import type { MigrationClass, Schema, StateDatabase } from '@agent-etl/persistence';
import type { DynamicModule } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { z } from 'zod';
import type { LiveSockets } from './live-sockets.ts';
import type { Shutdown } from './shutdown.ts';

/** What a service gets from the platform. It reaches nothing else of its process: four services may share one. */
export interface ServiceParts<A extends App, C> {
  readonly app: A;
  /** Its own slice of the configuration, parsed. */
  readonly config: C;
  readonly state: StateDatabase;
  readonly bus: MessageBus;
  readonly outbox: Outbox<A>;
  /** Registers who ends what waits for a message that this service gives up; called in the transaction that gives it up. */
  onGivenUp(hook: OnGivenUp): void;
  readonly log: Logger;
  /** Its own registry; /metrics shows those of all services of the process. */
  readonly metrics: Registry;
  readonly shutdown: Shutdown;
  /** WebSockets on the HTTP server of the process. */
  readonly live: LiveSockets;
  /** Names this process: host, process id and random digits. */
  readonly instance: string;
}

/** A service as a value: what a process needs to run it. Each feature lib exports one factory of it. */
export interface ServiceDefinition<A extends App, C> {
  readonly app: A;
  readonly schema: Schema;
  readonly entities: Function[];
  /** platformMigrations() first, then its own. */
  readonly migrations: MigrationClass[];
  /** Reads the environment's `ETL_<LIB>_<NAME>` strings; a key it does not know belongs to somebody else. */
  readonly config: z.ZodType<C>;
  module(parts: ServiceParts<A, C>): DynamicModule;
}
/** A definition of any service, for lists: the parts that `module` gets are made from its own app and config. */
export type AnyService = { [A in App]: Omit<ServiceDefinition<A, never>, 'config' | 'module'> & { readonly config: z.ZodType; module(parts: never): DynamicModule } }[App];
