import { EtlError, type PlanId, type RunEventView, isFinal } from '@agent-etl/contracts';
import { type TenantTx, joinSql, sql } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import type { After } from '../page-cursor.ts';
import type { NotedEvent } from './run-events.ts';
import { RunEntity, TaskRunEntity } from './run.entity.ts';
import type { RunRecord, RunTask } from './run-record.ts';
import { wakeAt } from './run-state.ts';

export interface RunPage { readonly limit: number; readonly after: After | null; readonly pipeline?: string | undefined }

@Injectable()
export class RunsRepository {
  /** @throws EtlError `request.conflict` when another live run writes the same target */
  async insert(tx: TenantTx, run: RunRecord): Promise<void> {
    const { tasks, ...row } = run;
    const placed = await tx.manager.createQueryBuilder().insert().into(RunEntity).values({ ...row, tenantId: tx.tenantId }).orIgnore().returning('run_id').execute();
    // Only the unique key of live targets can stand against a fresh id. A twin that is not committed yet is waited for.
    if ((placed.raw as unknown[]).length === 0) throw busy(run.targetKey);
    await tx.manager.insert(TaskRunEntity, tasks.map((task, ordinal) => taskRow(tx, run.runId, { task, ordinal })));
    await this.setWake(tx, run);
    hold(tx, run);
  }

  /** The run with its row locked until the transaction ends. Null when there is none. */
  async lock(tx: TenantTx, runId: string): Promise<RunRecord | null> {
    const row = await tx.manager.findOne(RunEntity, { where: { tenantId: tx.tenantId, runId }, lock: { mode: 'pessimistic_write' } });
    if (!row) return null;
    const [run] = await this.withTasks(tx, [row]);
    hold(tx, run!);
    return run!;
  }
  async find(tx: TenantTx, runId: string): Promise<RunRecord | null> {
    const row = await tx.manager.findOneBy(RunEntity, { tenantId: tx.tenantId, runId });
    return row ? (await this.withTasks(tx, [row]))[0]! : null;
  }
  /** @throws EtlError `access.not-found` */
  async get(tx: TenantTx, runId: string): Promise<RunRecord> {
    const run = await this.find(tx, runId);
    if (!run) throw new EtlError('access.not-found', { what: 'run' });
    return run;
  }

  /** Runs that move rows, newest first. */
  async list(tx: TenantTx, { limit, after, pipeline }: RunPage): Promise<RunRecord[]> {
    const conditions = [sql`kind = 'copy'`, ...(pipeline ? [sql`pipeline = ${pipeline}`] : []), ...(after ? [sql`(started_at, run_id) < (${after.at}::timestamptz, ${after.id}::uuid)`] : [])];
    const ids = await tx.run<{ run_id: string }>(sql`select run_id from run where ${joinSql(conditions, ' and ')} order by started_at desc, run_id desc limit ${limit}`);
    const rows = await tx.manager.findBy(RunEntity, { tenantId: tx.tenantId, runId: In(ids.map(({ run_id: id }) => id)) });
    const found = await this.withTasks(tx, rows);
    return ids.flatMap(({ run_id: id }) => found.filter(({ runId }) => runId === id));
  }

  /** Remembers a message of a run. */
  async note(tx: TenantTx, runId: string, { type, task, attempt, worker, state, failure }: NotedEvent): Promise<void> {
    await tx.run(sql`insert into run_event (tenant_id, run_id, at, type, task, attempt, worker, state, code, text) values (${tx.tenantId}, ${runId}, ${await tx.now()}, ${type}, ${task ?? null}, ${attempt ?? null}, ${worker ?? null}, ${state ?? null}, ${failure?.code ?? null}, ${failure?.text ?? null})`);
  }
  async events(tx: TenantTx, runId: string, { limit, after }: { limit: number; after: string | null }): Promise<RunEventView[]> {
    const rows = await tx.run<Omit<RunEventView, 'seq' | 'at'> & { seq: string; at: Date }>(sql`select seq::text as seq, at, type, task, attempt, worker, state, code, text from run_event
      where run_id = ${runId}::uuid and seq > ${after ?? '0'}::bigint order by run_event.seq limit ${limit}`);
    return rows.map(({ seq, at, ...row }) => ({ ...row, seq: Number(seq), at: at.toISOString() }));
  }

  /** Writes what changed between two states of a locked run. */
  async save(tx: TenantTx, before: RunRecord, after: RunRecord): Promise<void> {
    const { tasks, ...row } = after;
    for (const [ordinal, task] of tasks.entries()) {
      if (task !== before.tasks[ordinal]) await tx.manager.update(TaskRunEntity, { tenantId: tx.tenantId, taskRunId: task.taskRunId }, changeable(task));
    }
    const { state, finishedAt, receipt, failure, ignored, cancelReason } = row;
    const changed = (['state', 'finishedAt', 'receipt', 'failure', 'ignored', 'cancelReason'] as const).some((field) => before[field] !== after[field]);
    if (changed) await tx.manager.update(RunEntity, { tenantId: tx.tenantId, runId: row.runId }, { state, finishedAt, receipt, failure, ignored, cancelReason });
    if (wakeAt(before) !== wakeAt(after)) await this.setWake(tx, after);
  }

  /** What a look has shown is for the one who asked, and kept nowhere. */
  async forgetResult(tx: TenantTx, runId: string): Promise<void> {
    await tx.run(sql`update task_run set result = null where run_id = ${runId}::uuid`);
  }

  /** Green runs that published into this target for this pipeline, or with this very plan since an instant. */
  async greenRuns(tx: TenantTx, of: { pipelineId: string; targetKey: string } | { planId: PlanId; since: string | null }): Promise<number> {
    const which = 'planId' in of ? sql`plan_id = ${of.planId} and finished_at > coalesce(${of.since}::timestamptz, '-infinity')` : sql`pipeline_id = ${of.pipelineId}::uuid and target_key = ${of.targetKey}`;
    const [row] = await tx.run<{ count: number }>(sql`select count(*)::int as count from run where kind = 'copy' and state = 'succeeded' and ${which}`);
    return row?.count ?? 0;
  }

  /** Plan of the latest green run that published into this target for this pipeline: what it saw of the source is what the target is made of. */
  async lastGreenPlan(tx: TenantTx, { pipelineId, targetKey }: { pipelineId: string; targetKey: string }): Promise<string | null> {
    const [row] = await tx.run<{ plan_id: string }>(sql`select plan_id from run where kind = 'copy' and state = 'succeeded' and plan_id is not null and pipeline_id = ${pipelineId}::uuid and target_key = ${targetKey} order by finished_at desc limit 1`);
    return row?.plan_id ?? null;
  }

  private async setWake(tx: TenantTx, run: RunRecord): Promise<void> {
    const at = wakeAt(run);
    if (at === null || isFinal(run.state)) { await tx.run(sql`delete from run_wake where run_id = ${run.runId}::uuid`); return; }
    await tx.run(sql`insert into run_wake (tenant_id, run_id, at) values (${tx.tenantId}, ${run.runId}, ${at}) on conflict (tenant_id, run_id) do update set at = excluded.at`);
  }

  private async withTasks(tx: TenantTx, rows: readonly RunEntity[]): Promise<RunRecord[]> {
    if (!rows.length) return [];
    const tasks = await tx.manager.find(TaskRunEntity, { where: { tenantId: tx.tenantId, runId: In(rows.map(({ runId }) => runId)) }, order: { ordinal: 'ASC' } });
    return rows.map(({ tenantId: _, ...row }) => ({ ...row, tasks: tasks.filter(({ runId }) => runId === row.runId).map(({ tenantId: __, runId: ___, ordinal: ____, ...task }) => task) }));
  }
}

function hold(tx: TenantTx, { runId, tasks }: RunRecord): void {
  tx.hold(runId);
  for (const { taskRunId } of tasks) tx.hold(taskRunId); // a task is only written under its run's lock
}
const busy = (targetKey: string | null): EtlError => new EtlError('request.conflict', { what: `the target ${targetKey ?? ''}`, state: 'busy', action: 'another run into it', next: 'wait for the live run, or cancel it: agent-etl runs' });
const changeable = ({ state, attempt, failures, losses, readyAt, worker, progress, result, failure, startedAt, finishedAt }: RunTask) =>
  ({ state, attempt, failures, losses, readyAt, worker, progress, result, failure, startedAt, finishedAt });
const taskRow = (tx: TenantTx, runId: string, { task, ordinal }: { task: RunTask; ordinal: number }): TaskRunEntity =>
  Object.assign(new TaskRunEntity(), { tenantId: tx.tenantId, runId, ordinal, taskRunId: task.taskRunId, id: task.id, kind: task.kind, spec: task.spec, after: [...task.after], ...changeable(task) });
