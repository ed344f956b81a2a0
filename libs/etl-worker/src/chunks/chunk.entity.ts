import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One piece of a load: half-open bounds as text, both null for the whole source. */
@Entity('chunk')
export class ChunkEntity {
  @PrimaryColumn({ type: 'uuid', name: 'tenant_id' }) tenantId!: string;
  @PrimaryColumn({ type: 'uuid', name: 'task_run_id' }) taskRunId!: string;
  @PrimaryColumn({ type: 'integer' }) ordinal!: number;
  @Column({ type: 'text', name: 'chunk_key' }) chunkKey!: string;
  @Column({ type: 'text', name: 'range_from', nullable: true }) from!: string | null;
  @Column({ type: 'text', name: 'range_to', nullable: true }) to!: string | null;
  @Column({ type: 'text', nullable: true }) snapshot!: string | null;
  @Column({ type: 'jsonb', nullable: true }) span!: unknown;
}
