import { TaskCommand } from '@agent-etl/contracts';
import { jsonColumn } from '@agent-etl/persistence';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { TaskState } from './task-state.ts';

/** One attempt at one task: what was asked, and who holds it until when. */
@Entity('task')
export class TaskEntity {
  @PrimaryColumn({ type: 'uuid', name: 'tenant_id' }) tenantId!: string;
  @PrimaryColumn({ type: 'uuid', name: 'task_run_id' }) taskRunId!: string;
  @PrimaryColumn({ type: 'integer' }) attempt!: number;
  @Column({ type: 'uuid', name: 'run_id' }) runId!: string;
  @Column({ type: 'text' }) kind!: string;
  @Column({ type: 'text' }) state!: TaskState;
  /** Null for an attempt that was cancelled before anybody asked for it. */
  @Column(jsonColumn(TaskCommand.nullable())) command!: TaskCommand | null;
  @Column({ type: 'text' }) pipeline!: string;
  @Column({ type: 'text', array: true }) connections!: string[];
  @Column({ type: 'integer', array: true }) most!: number[];
  /** Lanes asked for; `lanes` are those that the claim granted. */
  @Column({ type: 'integer' }) wanted!: number;
  @Column({ type: 'integer' }) lanes!: number;
  @Column({ type: 'timestamptz' }) deadline!: Date | string;
  @Column({ type: 'text', nullable: true }) worker!: string | null;
  @Column({ type: 'timestamptz', name: 'cancel_at', nullable: true }) cancelAt!: Date | null;
}
