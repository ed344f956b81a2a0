import { type Answer, type Call, endpoints } from '@agent-etl/contracts';
import { Input, Serves } from '@agent-etl/service-kit';
import { Controller, Inject } from '@nestjs/common';
import { CONNECTORS, type ConnectorCatalogue } from '../connector-catalogue.ts';
import { ConnectionsService } from './connections.service.ts';

@Controller()
export class ConnectionsController {
  constructor(private readonly connections: ConnectionsService, @Inject(CONNECTORS) private readonly catalogue: ConnectorCatalogue) {}

  @Serves(endpoints.listConnectors)
  connectors(): Answer<typeof endpoints.listConnectors> { return { items: [...this.catalogue.views] }; }
  @Serves(endpoints.listConnections)
  list(@Input() { caller }: Call<typeof endpoints.listConnections>): Promise<Answer<typeof endpoints.listConnections>> { return this.connections.list(caller.tenantId); }
  @Serves(endpoints.putConnection)
  put(@Input() { caller, params, body }: Call<typeof endpoints.putConnection>): Promise<Answer<typeof endpoints.putConnection>> { return this.connections.put(caller.tenantId, params.name, body); }
  @Serves(endpoints.testConnection)
  test(@Input() { caller, params }: Call<typeof endpoints.testConnection>): Promise<Answer<typeof endpoints.testConnection>> { return this.connections.inspect(caller.tenantId, params.name, 'test'); }
  @Serves(endpoints.listDatasets)
  datasets(@Input() { caller, params }: Call<typeof endpoints.listDatasets>): Promise<Answer<typeof endpoints.listDatasets>> { return this.connections.inspect(caller.tenantId, params.name, 'datasets'); }
}
