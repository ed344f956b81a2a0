import { ConnectionSpec } from '@agent-etl/contracts';
import { jsonColumn } from '@agent-etl/persistence';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { keyColumn } from '../columns.ts';

/** References to secrets, never values. */
@Entity({ name: 'connection' })
export class ConnectionEntity {
  @PrimaryColumn(keyColumn('tenant_id', 'uuid')) tenantId!: string;
  @PrimaryColumn(keyColumn('name', 'text')) name!: string;
  @Column(jsonColumn(ConnectionSpec)) spec!: ConnectionSpec;
}
