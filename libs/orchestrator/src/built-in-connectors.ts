import { EtlError } from '@agent-etl/contracts';
import type { ConnectorCatalogue } from './connector-catalogue.ts';
export const builtInConnectors = (): ConnectorCatalogue => { throw new EtlError('platform.internal'); };
