import { type Column, type Connection, type ConnectorView, EtlError } from '@agent-etl/contracts';
import { fileConnector } from './file/file-connector.ts';
import { mapToFile } from './file/file-types-rules.ts';
import { mysqlConnector } from './mysql/mysql-connector.ts';
import { mapToMysql } from './mysql/mysql-types-rules.ts';
import type { Connector, ConnectorTools, OpenConnection } from './port.ts';
import { postgresConnector } from './postgres/postgres-connector.ts';
import { mapToPostgres } from './postgres/postgres-types-rules.ts';
import { sqliteConnector } from './sqlite/sqlite-connector.ts';
import { mapToSqlite } from './sqlite/sqlite-types-rules.ts';

/** Every connector by the name that users write. */
export const connectors = { postgres: postgresConnector, file: fileConnector, sqlite: sqliteConnector, mysql: mysqlConnector } as const satisfies { [C in Connection as C['connector']]: Connector<C> };
export type ConnectorName = keyof typeof connectors;

export const connectorViews = (): ConnectorView[] => Object.values(connectors).map(({ view }) => view);

/** Opens a connection with the connector it names. */
export function openConnection(connection: Connection, tools: ConnectorTools): Promise<OpenConnection> {
  switch (connection.connector) {
    case 'postgres': return postgresConnector.open(connection, tools);
    case 'file': return fileConnector.open(connection, tools);
    case 'sqlite': return sqliteConnector.open(connection, tools);
    case 'mysql': return mysqlConnector.open(connection, tools);
  }
}
/** The type a column gets at a target, without loss, or null when that target cannot hold it. */
export function mapColumnType(sinkConnector: string, column: Column): { native: string } | null {
  switch (sinkConnector) {
    case 'postgres': return mapToPostgres(column);
    case 'file': return mapToFile(column);
    case 'sqlite': return mapToSqlite(column);
    case 'mysql': return mapToMysql(column);
    default: throw new EtlError('request.unsupported', { found: `connector ${sinkConnector}`, allowed: connectorViews().filter(({ sink }) => sink).map(({ name }) => name).join(', ') });
  }
}
