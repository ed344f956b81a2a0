import { LiveRunView, type RunKind } from '@agent-etl/contracts';
import { jsonColumn } from '@agent-etl/persistence';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { z } from 'zod';

const TaskIds = z.record(z.string(), z.string());

/** A run as the dashboard shows it, built from events alone. */
@Entity({ name: 'run_view' })
export class RunViewEntity {
  @PrimaryColumn({ name: 'tenant_id', type: 'uuid' }) tenantId!: string;
  @PrimaryColumn({ name: 'run_id', type: 'uuid' }) runId!: string;
  @Column({ type: 'text', nullable: true }) kind!: RunKind | null;
  @Column({ type: 'text' }) pipeline!: string;
  @Column({ name: 'started_at', type: 'timestamptz' }) startedAt!: Date;
  @Column(jsonColumn(LiveRunView)) view!: LiveRunView;
  @Column(jsonColumn(TaskIds, 'task_ids')) taskIds!: Record<string, string>;
}
