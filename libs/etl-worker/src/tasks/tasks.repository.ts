import { TaskCommand } from '@agent-etl/contracts';
import { type RelayTx, type Sql, type TenantTx, sql } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { lanesAsked } from './lanes-rules.ts';
import { endedStates } from './retention-rules.ts';
import { TASK_CHANNEL } from './task-channels.ts';
import { TaskEntity } from './task.entity.ts';
import type { TaskState } from './task-state.ts';

/** One attempt of one tenant. */
export interface TaskKey { readonly tenantId: string; readonly taskRunId: string; readonly attempt: number }
/** @property opensNone true where it is known that the attempt asks for no lanes: then its claim waits for no other */
export interface WaitingTask extends TaskKey { readonly opensNone?: boolean }
/** What a claim answers. */
export interface Claimed extends TaskKey { readonly runId: string; readonly command: TaskCommand; readonly isCancelled: boolean; readonly waitedSeconds: number; readonly lanes: number }
/** What a beat sees of its own row. */
export interface Beat { readonly isCancelled: boolean; readonly isLate: boolean }
export interface LostTask extends TaskKey { readonly runId: string; readonly worker: string }
/** @property command as it was stored: a row that a newer release wrote must not keep others waiting */
export interface EndedTask extends TaskKey { readonly runId: string; readonly command: unknown }

/** About a day, with ten minutes between the later ones. */
const MOST_DROP_TRIES = 150;
/** A mark on an attempt that has ended says that no other one comes. */
const isLeftOver = sql`staging_kept and cancel_at is not null and state not in ('waiting', 'running') and coalesce(drop_at <= clock_timestamp(), true)`;
interface KeyRow { tenant_id: string; task_run_id: string; attempt: number }
const keyOf = (row: KeyRow): TaskKey => ({ tenantId: row.tenant_id, taskRunId: row.task_run_id, attempt: row.attempt });

const isOld = (keptMs: number): Sql => sql`state = any(${[...endedStates]}::text[]) and finished_at < clock_timestamp() - ${keptMs / 1000}::float8 * interval '1 second'`;
const noneYoung = (keptMs: number): Sql => sql`not exists (select 1 from task young where young.tenant_id = task.tenant_id and young.task_run_id = task.task_run_id
  and not (young.state = any(${[...endedStates]}::text[]) and young.finished_at < clock_timestamp() - ${keptMs / 1000}::float8 * interval '1 second'))`;
/** One row per task: of its attempts the last, and only when none is young. */
const isLatest = (keptMs: number): Sql => sql`attempt = (select max(attempt) from task other where other.tenant_id = task.tenant_id and other.task_run_id = task.task_run_id) and ${noneYoung(keptMs)}`;

/** Lanes that are lent, and whether a task has to wait until some come back. */
const lentLanes = sql`open as (select tenant_id, name, sum(lanes) as lanes from task cross join unnest(connections) as name where state = 'running' and lanes > 0 group by tenant_id, name)`;
const mayGo = sql`(cancel_at is not null or not exists (
          select from unnest(connections, most) as one(name, bears) join open on open.tenant_id = task.tenant_id and open.name = one.name
          where open.lanes > bears - cardinality(array_positions(connections, one.name))))`;

/** Rows of `worker.task`. Every time in them is the database's, so that workers with wrong clocks agree. */
@Injectable()
export class TasksRepository {
  /** @returns false when the attempt is there already: a repeat */
  async insert(tx: TenantTx, command: TaskCommand): Promise<boolean> {
    const { taskRunId, attempt, runId, deadline, task, pipeline = '' } = command;
    const inserted = await tx.manager.createQueryBuilder().insert().into(TaskEntity)
      .values({ tenantId: tx.tenantId, taskRunId, attempt, runId, kind: task.kind, state: 'waiting', command, deadline, pipeline, ...lanesAsked(command) })
      .orIgnore().returning('attempt').execute();
    return (inserted.raw as unknown[]).length > 0;
  }

  /** Leaves a mark where a cancel came for an attempt that nobody knows: a request that comes later meets it. */
  async insertCancelled(tx: TenantTx, key: Omit<TaskKey, 'tenantId'>, runId: string): Promise<void> {
    await tx.run(sql`insert into task (tenant_id, task_run_id, attempt, run_id, kind, state, deadline, cancel_at, finished_at)
      values (${tx.tenantId}, ${key.taskRunId}, ${key.attempt}, ${runId}, 'unknown', 'cancelled', clock_timestamp(), clock_timestamp(), clock_timestamp())
      on conflict do nothing`);
  }

  /** Takes over what an earlier attempt was asked, already cancelled: whoever claims it only cleans up. @returns whether there was one */
  async insertCleanUp(tx: TenantTx, key: Omit<TaskKey, 'tenantId'>): Promise<boolean> {
    const rows = await tx.run(sql`insert into task (tenant_id, task_run_id, attempt, run_id, kind, command, deadline, cancel_at)
      select tenant_id, task_run_id, ${key.attempt}::integer, run_id, kind, jsonb_set(command, '{attempt}', to_jsonb(${key.attempt}::integer)), deadline, clock_timestamp()
      from task where task_run_id = ${key.taskRunId} and command is not null order by attempt desc limit 1
      on conflict do nothing returning attempt`);
    return rows.length > 0;
  }

  /** Marks an attempt as to be cancelled. @returns its state and kind, or null when there is no such attempt */
  async markCancelled(tx: TenantTx, { taskRunId, attempt }: Omit<TaskKey, 'tenantId'>): Promise<{ state: TaskState; kind: string } | null> {
    const [row] = await tx.run<{ state: TaskState; kind: string }>(sql`update task set cancel_at = coalesce(cancel_at, clock_timestamp())
      where task_run_id = ${taskRunId} and attempt = ${attempt} returning state, kind`);
    return row ?? null;
  }

  /** Attempts that wait and may go, of all tenants: each tenant's first before anybody's second, and inside a tenant each pipeline's first before any one's second, so that one with much
   * work starves nobody. What runs counts as a turn that was had. One whose connections bear no more is passed over: whoever stands behind it may want others. Profiles of values come last.
   * @param worker what the one who asks does: for a busy one, profiles that nobody waits for are left where they are */
  async waiting(tx: RelayTx, limit: number, worker: 'busy' | 'idle' = 'idle'): Promise<WaitingTask[]> {
    const fits = worker === 'busy' ? sql`(kind <> 'sketch' or command #>> '{task,when}' = 'asked')` : sql`true`;
    const rows = await tx.run<KeyRow & { wanted: number }>(sql`
      with running as (select tenant_id, pipeline, count(*) as tasks, sum(count(*)) over (partition by tenant_id) as of_tenant from task where state = 'running' group by tenant_id, pipeline),
        ${lentLanes},
        ready as (select tenant_id, task_run_id, attempt, seq, wanted, pipeline, kind, cancel_at is null as is_wanted from task where state = 'waiting' and ${fits} and ${mayGo}),
        by_pipeline as (select ready.*, row_number() over (partition by ready.tenant_id, ready.pipeline order by is_wanted, seq) + coalesce(tasks, 0) as turn
          from ready left join running on running.tenant_id = ready.tenant_id and running.pipeline = ready.pipeline),
        by_tenant as (select by_pipeline.*, row_number() over (partition by tenant_id order by is_wanted, turn, seq)
          + coalesce((select max(of_tenant) from running where running.tenant_id = by_pipeline.tenant_id), 0) as tenant_turn from by_pipeline)
      select tenant_id, task_run_id, attempt, wanted from by_tenant order by kind = 'sketch', tenant_turn, seq limit ${limit}`);
    return rows.map((row) => ({ ...keyOf(row), opensNone: row.wanted === 0 }));
  }

  /** Whether anything waits that a profile of values gives way to: what has to wait for lanes would leave the slot empty. */
  async isWanted(tx: RelayTx): Promise<boolean> { return (await tx.run(sql`with ${lentLanes} select 1 from task where state = 'waiting' and kind <> 'sketch' and ${mayGo} limit 1`)).length > 0; }

  async depth(tx: RelayTx): Promise<number> {
    const [row] = await tx.run<{ depth: number }>(sql`select count(*)::integer as depth from task where state = 'waiting'`);
    return row?.depth ?? 0;
  }

  /** Takes an attempt and grants it lanes: as many as it wants and its connections still bear, at least one. Grants of one connection wait for each other, so that two workers
   * never count the same lane as free; they end with the state `running`, however it ends.
   * @returns null when another worker was quicker, or there is no lane left */
  async claim(tx: TenantTx, key: WaitingTask, by: { worker: string; leaseMs: number }): Promise<Claimed | null> {
    if (!key.opensNone) await this.lockLanes(tx, key);
    const [row] = await tx.run<{ run_id: string; command: unknown; is_cancelled: boolean; waited: number; lanes: number }>(sql`
      with bears as (select name, min(bears) as most, count(*)::integer as ends from task cross join unnest(connections, most) as one(name, bears)
          where task_run_id = ${key.taskRunId} and attempt = ${key.attempt} group by name),
        left_over as (select min(greatest((most - coalesce(taken, 0)) / ends, case when taken is null then 1 else 0 end))::integer as lanes from bears left join lateral (
          select sum(lanes * cardinality(array_positions(connections, bears.name))) as taken from task where state = 'running' and lanes > 0 and connections @> array[bears.name]) as open on true)
      update task set state = 'running', worker = ${by.worker}, claimed_at = clock_timestamp(), lanes = least(wanted, greatest(coalesce(left_over.lanes, wanted), 0)),
        lease_until = clock_timestamp() + ${by.leaseMs}::integer * interval '1 millisecond'
      from left_over where (tenant_id, task_run_id, attempt) = (
        select tenant_id, task_run_id, attempt from task
        where task_run_id = ${key.taskRunId} and attempt = ${key.attempt} and state = 'waiting' for update skip locked)
        and (wanted = 0 or cancel_at is not null or left_over.lanes > 0)
      returning run_id, command, cancel_at is not null as is_cancelled, task.lanes, extract(epoch from clock_timestamp() - inserted_at)::float8 as waited`);
    if (!row) return null;
    return { tenantId: key.tenantId, taskRunId: key.taskRunId, attempt: key.attempt, runId: row.run_id, command: TaskCommand.parse(row.command), isCancelled: row.is_cancelled, waitedSeconds: row.waited, lanes: row.lanes };
  }
  /** A statement of its own: the next one sees what those have granted for whom this one waited. */
  private async lockLanes(tx: TenantTx, { taskRunId, attempt }: TaskKey): Promise<void> {
    await tx.run(sql`select pg_advisory_xact_lock(hashtextextended(lanes_of, 0)) from (
      select distinct 'lanes ' || tenant_id || ' ' || name as lanes_of from task cross join unnest(connections) as name where task_run_id = ${taskRunId} and attempt = ${attempt} order by 1) as named`);
  }

  /** @returns null when this worker does not hold the task any more */
  async beat(tx: TenantTx, key: TaskKey, by: { worker: string; leaseMs: number }): Promise<Beat | null> {
    const [row] = await tx.run<{ is_cancelled: boolean; is_late: boolean }>(sql`
      update task set lease_until = clock_timestamp() + ${by.leaseMs}::integer * interval '1 millisecond'
      where task_run_id = ${key.taskRunId} and attempt = ${key.attempt} and state = 'running' and worker = ${by.worker}
      returning cancel_at is not null as is_cancelled, clock_timestamp() > deadline as is_late`);
    return row ? { isCancelled: row.is_cancelled, isLate: row.is_late } : null;
  }

  /** Ends an attempt. @returns false when this worker does not hold it any more: then nothing may be reported */
  async finish(tx: TenantTx, key: TaskKey, as: { worker: string; state: TaskState; keepsStaging: boolean }): Promise<boolean> {
    const [row] = await tx.run<{ run_id: string; stages: boolean; lanes: number }>(sql`update task set state = ${as.state}, finished_at = clock_timestamp(), lease_until = clock_timestamp(),
        staging_kept = kind in ('load', 'publish') and ${as.keepsStaging}::boolean
      where task_run_id = ${key.taskRunId} and attempt = ${key.attempt} and state = 'running' and worker = ${as.worker} returning run_id, kind in ('load', 'publish') as stages, lanes`);
    if (row?.stages && !as.keepsStaging) await this.forgetStaging(tx, row.run_id);
    if (row && row.lanes > 0) await tx.tellOthers(TASK_CHANNEL); // somebody may wait for its lanes
    return row !== undefined;
  }

  /** Attempts of all tenants that ended, that nobody follows, and whose staging is still there. Each is due after a pause that grows with its tries. */
  async leftovers(tx: RelayTx): Promise<TaskKey[]> {
    const rows = await tx.run<KeyRow>(sql`select tenant_id, task_run_id, attempt from task
      where ${isLeftOver} and drop_tries < ${MOST_DROP_TRIES} order by drop_at nulls first limit 20`);
    return rows.map(keyOf);
  }
  /** Takes one for this worker until its next try is due. @returns null when a colleague was quicker */
  async takeLeftover(tx: TenantTx, key: TaskKey): Promise<EndedTask | null> {
    const [row] = await tx.run<{ run_id: string; command: unknown }>(sql`update task set drop_tries = drop_tries + 1,
        drop_at = clock_timestamp() + least(interval '10 minutes', interval '5 seconds' * power(2, least(drop_tries, 10)))
      where task_run_id = ${key.taskRunId} and attempt = ${key.attempt} and ${isLeftOver} returning run_id, command`);
    return row ? { ...key, runId: row.run_id, command: row.command } : null;
  }
  /** Nothing that attempts of this run staged is there any more. */
  async forgetStaging(tx: TenantTx, runId: string): Promise<void> { await tx.run(sql`update task set staging_kept = false where run_id = ${runId} and staging_kept`); }

  /** Ends an attempt that nobody holds. @returns false when a worker claimed it meanwhile */
  async finishWaiting(tx: TenantTx, { taskRunId, attempt }: Omit<TaskKey, 'tenantId'>): Promise<boolean> {
    const rows = await tx.run(sql`update task set state = 'cancelled', finished_at = clock_timestamp()
      where task_run_id = ${taskRunId} and attempt = ${attempt} and state = 'waiting' returning attempt`);
    return rows.length > 0;
  }

  /** Attempts of all tenants whose holder fell silent. */
  async silent(tx: RelayTx): Promise<TaskKey[]> {
    const rows = await tx.run<KeyRow>(sql`select tenant_id, task_run_id, attempt from task
      where state = 'running' and lease_until < clock_timestamp() order by lease_until limit 100`);
    return rows.map(keyOf);
  }

  /** @returns null when it beat after all, or another sweeper was quicker */
  async markLost(tx: TenantTx, key: TaskKey): Promise<LostTask | null> {
    const [row] = await tx.run<{ run_id: string; worker: string }>(sql`update task set state = 'lost', finished_at = clock_timestamp(), staging_kept = kind in ('load', 'publish')
      where task_run_id = ${key.taskRunId} and attempt = ${key.attempt} and state = 'running' and lease_until < clock_timestamp()
      returning run_id, worker`);
    return row ? { ...key, runId: row.run_id, worker: row.worker } : null;
  }

  /** Tasks of all tenants whose every attempt ended longer ago than they are kept, the oldest first. */
  async old(tx: RelayTx, { keptMs, limit }: { keptMs: number; limit: number }): Promise<Omit<TaskKey, 'attempt'>[]> {
    return tx.run(sql`select tenant_id as "tenantId", task_run_id as "taskRunId" from task where ${isOld(keptMs)} and ${isLatest(keptMs)} order by finished_at limit ${limit}`);
  }
  /** Drops all attempts of these tasks, unless one has come meanwhile. @returns the runs that they belonged to */
  async drop(tx: TenantTx, taskRunIds: readonly string[], keptMs: number): Promise<string[]> {
    const rows = await tx.run<{ run_id: string }>(sql`delete from task where task_run_id = any(${[...taskRunIds]}::uuid[]) and ${noneYoung(keptMs)} returning run_id`);
    return [...new Set(rows.map(({ run_id: runId }) => runId))];
  }

  /** Locks the row of the one who holds it until the transaction ends. @returns whether this worker still does */
  async holds(tx: TenantTx, key: TaskKey, worker: string): Promise<boolean> {
    const rows = await tx.run(sql`select attempt from task where task_run_id = ${key.taskRunId} and attempt = ${key.attempt}
      and state = 'running' and worker = ${worker} for share`);
    return rows.length > 0;
  }
}
