import type { ServiceParts } from '@agent-etl/service-kit';

/** Token of the service's log. */
export const ORCHESTRATOR_LOG = Symbol('orchestrator log');
export type OrchestratorLog = ServiceParts<'orchestrator', unknown>['log'];
