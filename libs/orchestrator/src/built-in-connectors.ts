import { connectorViews, mapColumnType } from '@agent-etl/connectors';
import type { ConnectorCatalogue } from './connector-catalogue.ts';

/** The connectors of this release. */
export const builtInConnectors = (): ConnectorCatalogue => ({ views: connectorViews(), mapColumn: mapColumnType });
