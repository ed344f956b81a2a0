import { Failure, messages } from '@agent-etl/contracts';
import { jsonColumn } from '@agent-etl/persistence';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { z } from 'zod';

export const Approved = messages['plan.approved.v1'].payload;
export type Approved = z.output<typeof Approved>;
export const AssetPairs = z.array(z.tuple([z.string(), z.string()]));
export type ArtifactState = 'waiting' | 'published' | 'superseded' | 'failed';

/** A plan that has been approved, and what became of its DAG. */
@Entity({ name: 'dag_artifact' })
export class DagArtifactEntity {
  @PrimaryColumn({ name: 'tenant_id', type: 'uuid' }) tenantId!: string;
  @PrimaryColumn({ name: 'plan_id', type: 'text' }) planId!: string;
  @Column({ name: 'pipeline_id', type: 'uuid' }) pipelineId!: string;
  /** The message of its first approval: that instant is in the file, so a second approval gives the same bytes. */
  @Column(jsonColumn(Approved)) approved!: Approved;
  /** Its latest approval decides which plan of a pipeline is the current one. */
  @Column({ name: 'latest_at', type: 'timestamptz' }) latestAt!: Date;
  @Column({ type: 'text' }) state!: ArtifactState;
  @Column({ type: 'int' }) tries!: number;
  @Column({ name: 'next_at', type: 'timestamptz' }) nextAt!: Date;
  @Column({ name: 'dag_id', type: 'text', nullable: true }) dagId!: string | null;
  @Column({ type: 'text', nullable: true }) target!: string | null;
  @Column({ type: 'text', nullable: true }) digest!: string | null;
  @Column({ type: 'text', nullable: true }) path!: string | null;
  @Column({ type: 'text', nullable: true }) body!: string | null;
  @Column(jsonColumn(AssetPairs)) assets!: [string, string][];
  @Column(jsonColumn(Failure.nullable())) failure!: Failure | null;
  @Column({ name: 'published_at', type: 'timestamptz', nullable: true }) publishedAt!: Date | null;
}
