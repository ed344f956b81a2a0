import type { ServiceParts } from '@agent-etl/service-kit';

/** Token of the service's log. */
export const WORKER_LOG = Symbol('worker log');
export type WorkerLog = ServiceParts<'etl-worker', unknown>['log'];
