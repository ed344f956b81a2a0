import { Failure, Progress, Receipt, type RunState, type RunView, type TaskRunState, TaskResult, TaskSpec } from '@agent-etl/contracts';
import { jsonColumn } from '@agent-etl/persistence';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { z } from 'zod';
import { instantColumn, keyColumn, textColumn, uuidColumn } from '../columns.ts';

@Entity({ name: 'run' })
export class RunEntity {
  @PrimaryColumn(keyColumn('tenant_id', 'uuid')) tenantId!: string;
  @PrimaryColumn(keyColumn('run_id', 'uuid')) runId!: string;
  @Column(textColumn('kind')) kind!: RunView['kind'];
  @Column(textColumn('plan_id', { nullable: true })) planId!: string | null;
  @Column(textColumn('request_id', { nullable: true })) requestId!: string | null;
  @Column(uuidColumn('pipeline_id', { nullable: true })) pipelineId!: string | null;
  @Column(textColumn('pipeline')) pipeline!: string;
  @Column(textColumn('driver')) driver!: RunView['driver'];
  @Column(textColumn('target_key', { nullable: true })) targetKey!: string | null;
  @Column(textColumn('approved_by', { nullable: true })) approvedBy!: string | null;
  @Column(textColumn('state')) state!: RunState;
  @Column(instantColumn('deadline')) deadline!: string;
  @Column(textColumn('cancel_reason', { nullable: true })) cancelReason!: string | null;
  @Column(instantColumn('started_at')) startedAt!: string;
  @Column(instantColumn('finished_at', { nullable: true })) finishedAt!: string | null;
  @Column(jsonColumn(Receipt.nullable())) receipt!: Receipt | null;
  @Column(jsonColumn(Failure.nullable())) failure!: Failure | null;
  @Column({ type: 'integer' }) ignored!: number;
}

@Entity({ name: 'task_run' })
export class TaskRunEntity {
  @PrimaryColumn(keyColumn('tenant_id', 'uuid')) tenantId!: string;
  @PrimaryColumn(keyColumn('task_run_id', 'uuid')) taskRunId!: string;
  @Column(uuidColumn('run_id')) runId!: string;
  @Column({ type: 'integer' }) ordinal!: number;
  @Column(textColumn('id')) id!: string;
  @Column(textColumn('kind')) kind!: TaskSpec['kind'];
  @Column(jsonColumn(TaskSpec)) spec!: TaskSpec;
  @Column(jsonColumn(z.array(z.string()))) after!: string[];
  @Column(textColumn('state')) state!: TaskRunState;
  @Column({ type: 'integer' }) attempt!: number;
  @Column({ type: 'integer' }) failures!: number;
  @Column({ type: 'integer' }) losses!: number;
  @Column(instantColumn('ready_at', { nullable: true })) readyAt!: string | null;
  @Column(textColumn('worker', { nullable: true })) worker!: string | null;
  @Column(jsonColumn(Progress.nullable())) progress!: Progress | null;
  @Column(jsonColumn(TaskResult.nullable())) result!: TaskResult | null;
  @Column(jsonColumn(Failure.nullable())) failure!: Failure | null;
  @Column(instantColumn('started_at', { nullable: true })) startedAt!: string | null;
  @Column(instantColumn('finished_at', { nullable: true })) finishedAt!: string | null;
}
