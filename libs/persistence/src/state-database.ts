import { EtlError, TenantId } from '@agent-etl/contracts';
import { DataSource, type QueryRunner } from 'typeorm';
import { begin } from './begin.ts';
import { checkIsolation } from './boot-check.ts';
import { appliedSteps } from './applied-steps.ts';
import { asUnavailable, refusedLogin } from './database-errors.ts';
import { type DirectConnection, keepAlive, keepConnected } from './direct-connection.ts';
import { PreparingClient } from './preparing-client.ts';
import { sessionName } from './release.ts';
import type { AppliedStep } from './schema-rules.ts';
import { Signals } from './signals.ts';
import { RelayTx, TenantTx } from './tenant-tx.ts';

export const schemas = ['orchestrator', 'worker', 'dag_generator', 'monitor'] as const;
export type Schema = (typeof schemas)[number];

/** @property url the service's own login
 * @property relayUrl the login that sees outboxes and tasks across tenants
 * @property poolSize connections of the service's login at most, 6 when left out; they are made when needed and end after 10 idle seconds
 * @property isShared false when no other process uses the schema: then nobody has to be notified. True when left out */
export interface StateOptions { url: string; relayUrl: string; schema: Schema; entities: Function[]; poolSize?: number; isShared?: boolean }

/** The state of one service: its schema, behind its own login, one transaction and one tenant at a time. */
export class StateDatabase {
  readonly schema: Schema;
  readonly #options: StateOptions;
  readonly #service: DataSource;
  readonly #relay: DataSource;
  readonly #direct = new Set<DirectConnection>();
  readonly #signals: Signals;

  private constructor(options: StateOptions, service: DataSource, relay: DataSource) {
    this.schema = options.schema;
    this.#options = options;
    this.#signals = new Signals(options.isShared ?? true);
    this.#service = service;
    this.#relay = relay;
  }

  /** Connects both logins and refuses a database that would show one tenant another's rows.
   * @throws EtlError `config.invalid`, `platform.unavailable` */
  static async open(options: StateOptions): Promise<StateDatabase> {
    const service = dataSource(options, { url: options.url, poolSize: options.poolSize ?? 6, entities: options.entities });
    const relay = dataSource(options, { url: options.relayUrl, poolSize: 2, entities: [] });
    const state = new StateDatabase(options, service, relay);
    try {
      await Promise.all([service.initialize(), relay.initialize()]);
      await state.#transaction({ source: service, tenantId: null }, (runner) => checkIsolation(new RelayTx(runner.manager)));
      await state.asRelay(checkIsolation);
    } catch (error) {
      await state.close();
      throw refusedLogin(error) ?? asUnavailable(error);
    }
    return state;
  }

  /** One transaction that sees the rows of one tenant. What `work` throws rolls it back.
   * @throws EtlError `platform.unavailable` when the database is away; nothing is known to be kept then */
  async inTenantTx<T>(tenantId: string, work: (tx: TenantTx) => Promise<T>): Promise<T> {
    if (!TenantId.safeParse(tenantId).success) throw new EtlError('access.unauthenticated');
    let tx: TenantTx | undefined;
    const answer = await this.#transaction({ source: this.#service, tenantId }, async (runner, begunAt) => {
      tx = new TenantTx(tenantId, runner.manager, { signals: this.#signals, begunAt });
      return await work(tx);
    });
    tx?.committed();
    return answer;
  }

  /** One transaction of the relay login, across tenants: outbox, parked messages, tasks and schedules only. */
  asRelay<T>(work: (tx: RelayTx) => Promise<T>): Promise<T> {
    return this.#transaction({ source: this.#relay, tenantId: null }, (runner) => work(new RelayTx(runner.manager)));
  }

  /** Statements of the relay login, each a transaction by itself: a look costs a third of the round trips. */
  async asRelayEach<T>(work: (tx: RelayTx) => Promise<T>): Promise<T> {
    const runner = this.#relay.createQueryRunner();
    try {
      return await work(new RelayTx(runner.manager));
    } catch (error) {
      throw asUnavailable(error);
    } finally {
      await runner.release();
    }
  }

  /** Calls `wake` after each commit that notified the channel, and once after every new connection, since a notification may have been missed meanwhile.
   * Resolves when the first connection listens. */
  async listen(channel: string, wake: () => void): Promise<{ close(): Promise<void> }> {
    const remove = this.#signals.add(channel, wake);
    if (!this.#signals.isShared) {
      wake();
      return { close: () => { remove(); return Promise.resolve(); } };
    }
    const others = await this.#listenToOthers(channel, wake);
    return { close: () => { remove(); return others.close(); } };
  }
  async #listenToOthers(channel: string, wake: () => void): Promise<DirectConnection> {
    let started = (): void => undefined;
    const first = new Promise<void>((done) => { started = done; });
    const connection = this.#keep(this.#options.url, async (client, lost) => {
      client.on('notification', ({ payload }) => { if (!this.#signals.isOwn(payload)) wake(); });
      await client.query(`listen ${client.escapeIdentifier(channel)}`);
      wake();
      started();
      await new Promise((done) => { lost.addEventListener('abort', done, { once: true }); });
    });
    await first;
    return connection;
  }

  /** Waits, as long as it takes, to be the only holder of `key` in this database, then runs `work`. The lock is a session's: when its connection
   * breaks, or its process stands still for ten seconds, `until` aborts, another waiter may already lead, and this one queues again. It also queues again after `work` ends or throws. */
  lead(key: string, work: (until: AbortSignal) => Promise<void>): { close(): Promise<void> } {
    return this.#keep(this.#options.relayUrl, async (client, lost) => {
      // Who waits for a lock does not look at its socket: without this the server keeps a waiter whose process was killed for as long as another one leads.
      await client.query(`select set_config('client_connection_check_interval', '5s', false) from pg_settings where name = 'client_connection_check_interval'`);
      // A process that is stopped keeps its sockets: the kernel answers the probes for it, and nobody else would ever lead. So who leads has to say something, and who was
      // stopped while it waited, too.
      await client.query(`select set_config('idle_session_timeout', $1, false) from pg_settings where name = 'idle_session_timeout'`, [String(SILENT_MS)]);
      await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [`${this.schema}:${key}`]);
      const beat = setInterval(() => { void client.query('select 1').catch(() => undefined); }, BEAT_MS); // a connection that broke aborts `lost`
      try {
        if (!lost.aborted) await work(lost);
      } finally { clearInterval(beat); }
    });
  }

  /** Answers when the database does. @throws EtlError `platform.unavailable` */
  async ping(): Promise<void> {
    await this.#service.query('select 1').catch((error: unknown) => { throw asUnavailable(error); });
  }

  /** Migrations that the schema has seen, in their order; none where it was never migrated. */
  migrated(): Promise<AppliedStep[]> {
    return appliedSteps((query) => this.#service.query(query.text, [...query.values]));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#direct].map((connection) => connection.close()));
    await Promise.all([this.#service, this.#relay].map((source) => (source.isInitialized ? source.destroy() : undefined)));
  }

  #keep(url: string, work: Parameters<typeof keepConnected>[1]): DirectConnection {
    const connection = keepConnected({ connectionString: url, application_name: sessionName(this.schema), options: startup(this.schema, []) }, work);
    const handle = { close: async () => { this.#direct.delete(handle); await connection.close(); } };
    this.#direct.add(handle);
    return handle;
  }

  async #transaction<T>({ source, tenantId }: { source: DataSource; tenantId: string | null }, work: (runner: QueryRunner, begunAt: string | null) => Promise<T>): Promise<T> {
    const runner = source.createQueryRunner();
    try {
      const begunAt = await begin(runner, tenantId);
      const answer = await work(runner, begunAt);
      await runner.commitTransaction();
      return answer;
    } catch (error) {
      // A broken session has rolled back by itself; what matters is why the work failed.
      if (runner.isTransactionActive && !runner.isReleased) await runner.rollbackTransaction().catch(() => undefined);
      throw asUnavailable(error);
    } finally {
      await runner.release();
    }
  }
}

/** The server ends the session of who leads and is silent for this long; PostgreSQL 14 and newer can. */
const SILENT_MS = 10_000;
const BEAT_MS = 2_500;

// A host that vanishes says no goodbye. Without probes its locks, such as the lead of a relay, would stand for the two hours of the system's default.
const probes = ['tcp_keepalives_idle=10', 'tcp_keepalives_interval=5', 'tcp_keepalives_count=3'];
const limits = ['statement_timeout=60s', 'idle_in_transaction_session_timeout=60s', 'lock_timeout=30s'];
const startup = (schema: Schema, settings: readonly string[]): string =>
  [`search_path=${schema}`, 'TimeZone=UTC', ...probes, ...settings].map((setting) => `-c ${setting}`).join(' ');

function dataSource({ schema }: StateOptions, login: { url: string; poolSize: number; entities: Function[] }): DataSource {
  return new DataSource({
    type: 'postgres', ...login, applicationName: sessionName(schema), connectTimeoutMS: 10_000, uuidExtension: 'pgcrypto', installExtensions: false,
    synchronize: false, logging: false, poolErrorHandler: () => undefined, // a broken idle connection is replaced when it is needed
    extra: { Client: PreparingClient, options: startup(schema, limits), idleTimeoutMillis: 10_000, ...keepAlive },
  });
}
