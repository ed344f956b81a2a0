import type { ConnectorView } from '@agent-etl/contracts';
import type { MapColumn } from '@agent-etl/planning';

/** What the orchestrator knows of connectors: their names and how their types are spelled. It opens none. */
export interface ConnectorCatalogue { readonly views: readonly ConnectorView[]; readonly mapColumn: MapColumn }
export const CONNECTORS = Symbol('connectors that exist');
