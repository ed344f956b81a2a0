import { Pipeline } from '@agent-etl/contracts';
import { jsonColumn } from '@agent-etl/persistence';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instantColumn, keyColumn, textColumn, uuidColumn } from '../columns.ts';

@Entity({ name: 'pipeline' })
export class PipelineEntity {
  @PrimaryColumn(keyColumn('tenant_id', 'uuid')) tenantId!: string;
  @PrimaryColumn(keyColumn('pipeline_id', 'uuid')) pipelineId!: string;
  @Column(textColumn('name')) name!: string;
  @Column(textColumn('owner', { nullable: true })) owner!: string | null;
  @Column(jsonColumn(Pipeline)) spec!: Pipeline;
  @Column(textColumn('plan_id', { nullable: true })) planId!: string | null;
  @Column(uuidColumn('last_run_id', { nullable: true })) lastRunId!: string | null;
  @Column(textColumn('last_state', { nullable: true })) lastState!: string | null;
  @Column(instantColumn('updated_at')) updatedAt!: string;
}
