import { Failure, Pipeline, type requestStates } from '@agent-etl/contracts';
import { jsonColumn } from '@agent-etl/persistence';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instantColumn, keyColumn, textColumn, uuidColumn } from '../columns.ts';

@Entity({ name: 'request' })
export class RequestEntity {
  @PrimaryColumn(keyColumn('tenant_id', 'uuid')) tenantId!: string;
  @PrimaryColumn(keyColumn('request_id', 'text')) requestId!: string;
  @Column(textColumn('idempotency_key', { nullable: true })) idempotencyKey!: string | null;
  @Column(textColumn('body_digest')) bodyDigest!: string;
  @Column(uuidColumn('pipeline_id')) pipelineId!: string;
  @Column(textColumn('pipeline')) pipeline!: string;
  @Column(jsonColumn(Pipeline)) spec!: Pipeline;
  @Column(textColumn('run')) run!: 'now' | 'never';
  @Column(textColumn('state')) state!: (typeof requestStates)[number];
  @Column(textColumn('plan_id', { nullable: true })) planId!: string | null;
  @Column(uuidColumn('run_id', { nullable: true })) runId!: string | null;
  @Column(jsonColumn(Failure.nullable())) failure!: Failure | null;
  @Column(textColumn('asked_by')) askedBy!: string;
  @Column(instantColumn('created_at')) createdAt!: string;
}
