import { Connection, type ConnectionSpec, EtlError, didYouMean } from '@agent-etl/contracts';
import { type TenantTx, sql } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { ConnectionEntity } from './connection.entity.ts';

@Injectable()
export class ConnectionsRepository {
  async list(tx: TenantTx): Promise<Connection[]> {
    const rows = await tx.manager.find(ConnectionEntity, { where: { tenantId: tx.tenantId }, order: { name: 'ASC' } });
    return rows.map(({ name, spec }) => Connection.parse({ name, ...spec }));
  }
  /** The named connections, each once. @throws EtlError `access.not-found` with the nearest names */
  async named(tx: TenantTx, names: readonly string[]): Promise<Connection[]> {
    const all = await this.list(tx);
    return [...new Set(names)].map((name) => {
      const found = all.find((connection) => connection.name === name);
      if (found) return found;
      throw new EtlError('access.not-found', { what: `connection ${name}`, next: didYouMean(name, all.map((connection) => connection.name)) ?? 'add it to agent-etl.yaml, or: agent-etl connections add' });
    });
  }
  async put(tx: TenantTx, name: string, spec: ConnectionSpec): Promise<void> {
    await tx.manager.upsert(ConnectionEntity, { tenantId: tx.tenantId, name, spec }, ['tenantId', 'name']);
  }

  /** Whether the project file of this digest is not loaded yet; it counts as loaded from here on. */
  async takeProject(tx: TenantTx, digest: string): Promise<boolean> {
    const rows = await tx.run(sql`insert into project_file (tenant_id, digest) values (${tx.tenantId}, ${digest})
      on conflict (tenant_id) do update set digest = excluded.digest, loaded_at = clock_timestamp() where project_file.digest <> excluded.digest returning 1`);
    return rows.length > 0;
  }
}
