import { Connection, DEFAULT_TENANT, type Failure, LoadResult, type LoadTask, ProfileResult, PublishResult, type PublishTask, type TaskCommand, type TaskResult, errorTable } from '@agent-etl/contracts';
import { type StateDatabase, sql } from '@agent-etl/persistence';
import type { TestState } from '@agent-etl/persistence/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { v7 } from 'uuid';
import { TaskEntity } from '../tasks/task.entity.ts';
import { TasksRepository } from '../tasks/tasks.repository.ts';
import { aCommand, aLoad, aPublish } from './an-attempt.ts';
import type { Case } from './oracle.ts';
import type { Ask } from './oracle/ask.ts';

type Outcome = { readonly state: 'succeeded'; readonly result: TaskResult } | { readonly state: 'failed'; readonly failure: Failure } | { readonly state: 'cancelled' };
export interface Told { readonly attempt: number; readonly outcome: Outcome }

/** One copy between two tables of a real PostgreSQL, told to workers in rows of the state database, as their handler would write them. */
export class ACopy {
  readonly runId = v7();
  readonly began = new Date().toISOString();
  private readonly tasks = new TasksRepository();
  private constructor(private readonly state: StateDatabase, readonly db: pg.Client, private readonly url: URL, readonly name: string, private readonly files: string | null = null) {}
  /** Staging tables that were there before. */
  private before: readonly string[] = [];

  /** @param size rows of the source, about 120 bytes each; and `files`, root of a file connection of that name */
  static async open(database: TestState, name: string, size: number | { readonly rows: number; readonly files: string }): Promise<ACopy> {
    const { rows, files } = typeof size === 'number' ? { rows: size, files: null } : size;
    const db = new pg.Client({ connectionString: database.adminUrl });
    await db.connect();
    await db.query(`create table public.${name} (id bigint primary key, at timestamptz not null, note text, amount numeric(18,4))`);
    await db.query(`insert into public.${name} select n, '2001-01-01'::timestamptz + n * interval '1 second',
      case when n % 7 = 0 then null else repeat(md5(n::text), 2) end, n / 3.0 from generate_series(1, ${rows}) as n`);
    await db.query(`analyze public.${name}`);
    const copy = new ACopy(await database.open('worker', [TaskEntity]), db, new URL(database.adminUrl), name, files);
    copy.before = await copy.staging();
    return copy;
  }

  /** The next run of the same copy. */
  next(): ACopy {
    const next = new ACopy(this.state, this.db, this.url, this.name, this.files);
    next.before = this.before;
    return next;
  }
  private get connections(): Connection[] {
    const { hostname, port, username, pathname } = this.url;
    const tables = ['from', 'into'].map((name) => Connection.parse({ name, connector: 'postgres', host: hostname, port: Number(port), database: pathname.slice(1), user: username || 'postgres', tls: 'disable' }));
    return this.files === null ? tables : [...tables, Connection.parse({ name: 'files', connector: 'file', root: this.files })];
  }
  get target(): { connection: string; dataset: string } { return { connection: 'into', dataset: `mart.${this.name}` }; }
  get source(): { connection: string; dataset: string } { return { connection: 'from', dataset: `public.${this.name}` }; }

  command(task: TaskCommand['task'], over: { load?: LoadResult | null; attempt?: number } = {}): TaskCommand {
    return aCommand(task, { taskRunId: v7(), runId: this.runId, began: this.began, connections: this.connections, ...over });
  }
  async ask(command: TaskCommand): Promise<void> {
    await this.state.inTenantTx(DEFAULT_TENANT.id, async (tx) => {
      await this.tasks.insert(tx, command);
      await tx.notify('etl_worker_task');
    });
  }
  async cancel(command: TaskCommand): Promise<void> {
    await this.state.inTenantTx(DEFAULT_TENANT.id, async (tx) => {
      await this.tasks.markCancelled(tx, command);
      await tx.notify('etl_worker_task');
    });
  }
  /** What workers said about one attempt, from the outbox. */
  async outcome({ taskRunId, attempt }: TaskCommand, withinMs = 60_000): Promise<Outcome> {
    const until = performance.now() + withinMs;
    while (performance.now() < until) {
      const said = await this.said(taskRunId);
      const found = said.find((one) => one.attempt === attempt);
      if (found) return found.outcome;
      await sleep(20);
    }
    throw new Error(`nothing was said about attempt ${attempt} of ${taskRunId} within ${withinMs} ms`);
  }
  private async said(taskRunId: string): Promise<Told[]> {
    const rows = await this.state.asRelay((tx) => tx.run<{ type: string; body: Buffer }>(sql`select headers->>'ce_type' as type, body from outbox order by seq`));
    return rows.flatMap(({ type, body }): Told[] => {
      const payload = JSON.parse(body.toString()) as { taskRunId: string; attempt: number; result: TaskResult; failure: Failure };
      if (payload.taskRunId !== taskRunId) return [];
      const { attempt, result, failure } = payload;
      if (type === 'task.run.succeeded.v1') return [{ attempt, outcome: { state: 'succeeded', result } }];
      if (type === 'task.run.failed.v1') return [{ attempt, outcome: { state: 'failed', failure } }];
      return type === 'task.run.cancelled.v1' ? [{ attempt, outcome: { state: 'cancelled' } }] : [];
    });
  }
  /** Asks again and again, as the orchestrator does for failures that may pass. */
  async drive(first: TaskCommand, attempts = 6): Promise<{ told: Told[]; result: TaskResult }> {
    const told: Told[] = [];
    for (let attempt = first.attempt; attempt < first.attempt + attempts; attempt += 1) {
      const command = { ...first, attempt };
      await this.ask(command);
      const outcome = await this.outcome(command);
      told.push({ attempt, outcome });
      if (outcome.state === 'succeeded') return { told, result: outcome.result };
      if (outcome.state === 'cancelled' || errorTable[outcome.failure.code].retry !== 'backoff') break;
    }
    throw new Error(`the task did not succeed: ${JSON.stringify(told)}`);
  }

  async profile(): Promise<ProfileResult> {
    const command = this.command({ id: 'profile', kind: 'profile', source: this.source, target: this.target });
    return ProfileResult.parse((await this.drive(command)).result);
  }
  /** @param targetBytes source bytes per piece */
  async loadTask(targetBytes: number, parallel = 2): Promise<LoadTask> {
    const { source } = await this.profile();
    const columns = source.columns.map(({ name, type, native, nullable }) => ({ source: name, target: name, type, sourceNative: native, targetNative: native, nullable }));
    return aLoad({
      source: this.source, target: this.target, columns, sourceFingerprint: source.fingerprint, expectedRows: source.rows,
      chunks: { by: 'ctid', count: Math.max(1, Math.ceil(source.bytes / targetBytes)), parallel, targetBytes } });
  }
  publishTask({ columns, cursor }: LoadTask, over: Partial<PublishTask> = {}): PublishTask {
    return aPublish({ source: this.source, target: this.target, columns, ...(cursor ? { cursor } : {}), ...over });
  }
  async publish(task: LoadTask, load: TaskResult, over: Partial<PublishTask> = {}): Promise<{ told: Told[]; result: PublishResult }> {
    const { told, result } = await this.drive(this.command(this.publishTask(task, over), { load: LoadResult.parse(load) }));
    return { told, result: PublishResult.parse(result) };
  }

  /** Count, distinct keys and an order-free hash of all columns, of source and target. */
  async compare(): Promise<{ source: unknown; target: unknown }> {
    const look = async (table: string): Promise<unknown> => (await this.db.query(
      `select count(*)::int as rows, count(distinct id)::int as keys, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text as hash from ${table} as t`)).rows[0];
    return { source: await look(this.source.dataset), target: await look(this.target.dataset) };
  }
  /** Pieces by the attempt that wrote them, from the ledger in the target. */
  async pieces(): Promise<Record<number, number>> {
    const { rows } = await this.db.query<{ attempt: number; pieces: number }>(
      `select attempt, count(*)::int as pieces from _etl.ledger where run_id = $1 and chunk_key <> 'publish' group by attempt order by attempt`, [this.runId]);
    return Object.fromEntries(rows.map(({ attempt, pieces }) => [attempt, pieces]));
  }
  /** How far the target has come, and which run brought it there. */
  async position(): Promise<{ value: string; run: string } | null> {
    const { rows } = await this.db.query<{ value: string; run: string }>(`select value, run_id as run from _etl.position where target = $1`, [this.target.dataset]);
    return rows[0] ?? null;
  }
  /** Ledger rows that an older fence wrote after a newer one: there must be none. */
  async stale(): Promise<number> {
    const { rows } = await this.db.query<{ n: number }>(`select count(*)::int as n from _etl.ledger as late
      where run_id = $1 and exists (select from _etl.ledger as newer where newer.run_id = late.run_id and newer.fence > late.fence and newer.written_at < late.written_at)`, [this.runId]);
    return rows[0]!.n;
  }
  private async staging(): Promise<string[]> {
    const { rows } = await this.db.query<{ name: string }>(`select c.relname as name from pg_class c join pg_namespace s on s.oid = c.relnamespace
      where s.nspname = '_etl' and c.relkind = 'r' and c.relname not in ('fence', 'ledger', 'position', 'history', 'quarantine')`);
    return rows.map(({ name }) => name);
  }
  /** Staging tables that came since this copy was made. */
  async stagingTables(): Promise<number> { return (await this.staging()).filter((name) => !this.before.includes(name)).length; }
  /** This run, for the oracle. @param sound rows that its pieces add up to, and whether both ends are compared: a history has other rows than its source, and a target may have been changed since */
  case({ rows, compared, ledger = 'table' }: { readonly rows: number | null; readonly compared: 'row by row' | 'not'; readonly ledger?: 'table' | 'files' }): Case {
    const ask: Ask = async <T extends object>(text: string, values: readonly unknown[] = []) => (await this.db.query<T>(text, [...values])).rows;
    const ends = { source: { ask, rows: `select * from ${this.source.dataset}` }, target: { ask, rows: `select * from ${this.target.dataset}` } };
    const folders = this.files === null ? null : { targets: this.files, scratch: null };
    return { runId: this.runId, state: ask, publicKey: null, ledger: { ask, of: ledger }, rows, ends: compared === 'row by row' ? ends : null, places: { databases: [ask], sessions: 'may rest', known: this.before, folders } };
  }
  /** Sessions of workers on the user's databases. */
  async backends(): Promise<string[]> {
    const { rows } = await this.db.query<{ text: string }>(`select application_name || ' ' || state || ' ' || left(query, 60) as text from pg_stat_activity
      where datname = current_database() and application_name like 'agent-etl %'`);
    return rows.map(({ text }) => text);
  }
  /** Another session of that name. */
  async another(name: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url.href, application_name: name });
    await client.connect();
    return client;
  }
  async close(): Promise<void> { await this.db.end(); }
}
