import { Pipeline, Plan, Question, Verdict, type planStatuses } from '@agent-etl/contracts';
import { jsonColumn } from '@agent-etl/persistence';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { z } from 'zod';
import { instantColumn, keyColumn, textColumn, uuidColumn } from '../columns.ts';

/** A plan, or the questions that stand before one; then `plan` is null. */
@Entity({ name: 'plan' })
export class PlanEntity {
  @PrimaryColumn(keyColumn('tenant_id', 'uuid')) tenantId!: string;
  @PrimaryColumn(keyColumn('plan_id', 'text')) planId!: string;
  @Column(uuidColumn('pipeline_id')) pipelineId!: string;
  @Column(textColumn('pipeline')) pipeline!: string;
  @Column(textColumn('request_id', { nullable: true })) requestId!: string | null;
  @Column(textColumn('status')) status!: (typeof planStatuses)[number];
  @Column(jsonColumn(Pipeline)) spec!: Pipeline;
  @Column(jsonColumn(Plan.nullable())) plan!: Plan | null;
  @Column(jsonColumn(Verdict)) verdict!: Verdict;
  @Column(jsonColumn(z.array(Question))) questions!: Question[];
  @Column(textColumn('source_fingerprint')) sourceFingerprint!: string;
  @Column(textColumn('decided_by', { nullable: true })) decidedBy!: string | null;
  /** Where its ends led when its approval was last said; null before that. */
  @Column(jsonColumn(z.record(z.string(), z.string()).nullable())) addresses!: Record<string, string> | null;
  @Column(instantColumn('created_at')) createdAt!: string;
  @Column(instantColumn('proposed_at')) proposedAt!: string;
}
