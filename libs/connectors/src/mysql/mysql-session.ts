import { EtlError, type MysqlConnection } from '@agent-etl/contracts';
import { type SafeSql, compile, isSafeSql, sqlFor } from '@agent-etl/sql-safety';
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import type mysql from 'mysql2';
import type { ConnectorTools } from '../port.ts';
import { type MysqlContext, mysqlFailure } from './mysql-failure.ts';

const sql = sqlFor('mysql');
const CONNECT_MS = 5_000;
interface Address { readonly host: string; readonly port: number; readonly user: string; readonly database: string; readonly password?: string; readonly tls: NonNullable<MysqlConnection['tls']> }
/** Takes one value of each row: bytes that are overwritten afterwards, or null. Answers false to be asked again only after `resume`. */
type TakeValue = (bytes: Buffer | null) => 'go-on' | 'pause';
/** What a statement did, as the server counts it. */
export interface Changed { readonly rows: number; readonly warnings: number }
interface Header { readonly affectedRows: number; readonly warningStatus: number }
type Use = MysqlContext['use'];

/** One connection to a user's MariaDB or MySQL. */
export class MysqlSession {
  /** What waits for the server: the driver forgets it when the connection is cut. */
  readonly #waiting = new Set<(error: Error) => void>();
  #isCut = false;
  private constructor(private readonly client: mysql.Connection, readonly context: MysqlContext) {
    // A statement with a callback has heard of it by now. One that hands over its rows would wait for ever: the driver tells the connection alone.
    client.on('error', (error: unknown) => { this.destroy(this.failure(error) instanceof EtlError ? this.failure(error) : this.#cut()); });
  }
  /** Dials with the secret opened for this moment. @param signal cuts the connection, on the way to it as well as later
   * @throws EtlError `connection.*`, `source.not-found`, `secret.*` */
  static async connect(connection: MysqlConnection, tools: ConnectorTools, { use = 'read', signal }: { readonly use?: Use; readonly signal?: AbortSignal | undefined } = {}): Promise<MysqlSession> {
    const address = await addressOf(connection, tools);
    // The driver would hold the certificate of an address against the name localhost.
    if (address.tls === 'verify-full' && isIP(address.host) !== 0) throw new EtlError('connection.untrusted', { connection: connection.name, address: `${address.host}:${address.port}`, reason: 'it is known by its address alone, and only names are verified', remedy: 'write the host name that its certificate is for' });
    const context = { connection: connection.name, address: `${address.host}:${address.port}`, user: address.user, database: address.database, use };
    try {
      const session = new MysqlSession(await dial(address, { name: tools.name, use, signal }), context);
      if (signal?.aborted) session.destroy(); else signal?.addEventListener('abort', () => { session.destroy(); }, { once: true });
      await session.#pin();
      if (use === 'write') await session.#pinWriting();
      return session;
    } catch (error) {
      const failure = mysqlFailure(error, context);
      throw failure instanceof EtlError ? failure : new EtlError('connection.unreachable', { connection: context.connection, address: context.address }, { cause: error });
    }
  }
  /** Text forms and modes that our statements rely on; a slow reader or source is none that the server may hang up on. */
  async #pin(): Promise<void> {
    await this.run(compile(sql`SET NAMES utf8mb4`));
    await this.run(compile(sql`SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', net_write_timeout = 3600, net_read_timeout = 3600, wait_timeout = 28800, transaction_isolation = 'REPEATABLE-READ'`)).catch(() =>
      this.run(compile(sql`SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', net_write_timeout = 3600, net_read_timeout = 3600, wait_timeout = 28800, tx_isolation = 'REPEATABLE-READ'`)));
  }
  /** A value is kept as it is or refused; a lock is waited for, but not for long. */
  async #pinWriting(): Promise<void> {
    await this.run(compile(sql`SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO', sql_notes = 1, max_error_count = 64,
      innodb_lock_wait_timeout = 10, lock_wait_timeout = 60`));
    await this.run(compile(sql`SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED`));
    await this.run(compile(sql`SET SESSION explicit_defaults_for_timestamp = ON`)).catch(() => undefined); // older servers have it in their configuration only
  }
  /** Rows of one statement as objects: for catalogues and sums. */
  run<T = Record<string, unknown>>(statement: SafeSql<'mysql'>, table?: string): Promise<T[]> {
    mustBeSafe(statement);
    return this.#answered((done, fail) => {
      const answer = (error: unknown, rows: unknown): void => { if (error) fail(this.failure(error, table)); else done(rows as T[]); };
      const params = statement.params.map((value) => (typeof value === 'bigint' ? String(value) : value instanceof Uint8Array ? Buffer.from(value) : value));
      if (params.length > 0) this.client.execute(statement.text, params, answer);
      else this.client.query(statement.text, answer);
    });
  }
  /** Runs a statement that answers no rows. */
  async change(statement: SafeSql<'mysql'>, table?: string): Promise<Changed> {
    const header = await this.run(statement, table) as unknown as Header;
    return { rows: header.affectedRows, warnings: header.warningStatus };
  }
  /** Runs LOAD DATA LOCAL. Whatever name the server asks for, it gets the bytes of `stream`: no file of this machine is ever opened. */
  load(statement: SafeSql<'mysql'>, { table, stream, asked }: { readonly table: string; readonly stream: NodeJS.EventEmitter; asked(): void }): Promise<Changed> {
    mustBeSafe(statement);
    const infileStreamFactory = (): Readable => {
      queueMicrotask(asked); // the driver listens to it by then
      return stream as Readable;
    };
    return this.#answered((done, fail) => {
      this.client.query({ sql: statement.text, infileStreamFactory }, (error: unknown, header: unknown) => {
        if (error) fail(this.failure(error, table)); else done({ rows: (header as Header).affectedRows, warnings: (header as Header).warningStatus });
      });
    });
  }
  /** Runs a statement of one column and hands its values over as the bytes they came in, row after row, none of them kept. */
  async each(statement: SafeSql<'mysql'>, take: TakeValue, table?: string): Promise<void> {
    mustBeSafe(statement);
    await this.#answered<void>((done, fail) => {
      const query = this.client.query({ sql: statement.text, rowsAsArray: true, typeCast: (field) => field.buffer() });
      query.on('result', (row: unknown) => {
        if (this.#isCut) return;
        try {
          if (take((row as [Buffer | null])[0]) === 'pause') this.client.pause();
        } catch (error) {
          this.destroy(error); // there may be millions of rows left
        }
      });
      query.on('error', (error: unknown) => { fail(this.failure(error, table)); });
      query.on('end', () => { done(); });
    });
  }
  async #answered<T>(ask: (done: (answer: T) => void, fail: (error: unknown) => void) => void): Promise<T> {
    let waiting: (error: Error) => void = () => undefined;
    try {
      return await new Promise<T>((done, fail) => {
        waiting = fail;
        this.#waiting.add(waiting);
        if (this.#isCut) fail(this.#cut()); else ask(done, fail);
      });
    } finally {
      this.#waiting.delete(waiting);
    }
  }
  #cut(): EtlError { return new EtlError('connection.interrupted', { connection: this.context.connection, phase: this.context.use === 'read' ? 'reading' : 'writing' }); }
  get isCut(): boolean { return this.#isCut; }
  resume(): void { this.client.resume(); }
  failure(error: unknown, table?: string): unknown { return mysqlFailure(error, { ...this.context, table }); }
  async end(): Promise<void> {
    if (this.#isCut) return;
    await new Promise<void>((done) => {
      const cut = setTimeout(() => { this.destroy(); done(); }, 1_000);
      this.client.end(() => { clearTimeout(cut); done(); });
    });
  }
  /** Cuts the connection. @param cause what whoever waits for an answer hears */
  destroy(cause: unknown = this.#cut()): void {
    this.#isCut = true;
    this.client.destroy();
    for (const fail of this.#waiting) fail(cause as Error);
  }
}
function mustBeSafe(statement: SafeSql<'mysql'>): void {
  if (!isSafeSql(statement) || statement.dialect !== 'mysql') throw new TypeError('connectors run only what sql-safety compiled');
}

async function dial({ tls, ...login }: Address, { name, use, signal }: { name: string; use: Use; signal: AbortSignal | undefined }): Promise<mysql.Connection> {
  const { createConnection } = await import('mysql2'); // loaded by who dials one
  const open = (ssl: mysql.SslOptions | null): Promise<mysql.Connection> => new Promise((done, fail) => {
    const client = createConnection({
      ...login, ...(ssl ? { ssl } : {}), charset: 'utf8mb4', connectTimeout: CONNECT_MS, enableKeepAlive: true, multipleStatements: false, supportBigNumbers: true, bigNumberStrings: true, dateStrings: true, decimalNumbers: false,
      flags: use === 'write' ? [] : ['-LOCAL_FILES'], connectAttributes: { program_name: name },
    });
    client.once('error', fail);
    const giveUp = (): void => { client.destroy(); fail(new Error('given up')); };
    if (signal?.aborted) giveUp(); else signal?.addEventListener('abort', giveUp, { once: true });
    client.connect((error) => { if (error) { client.destroy(); fail(error); } else done(client); });
  });
  if (tls === 'disable') return open(null);
  if (tls === 'verify-full') return open({ rejectUnauthorized: true, verifyIdentity: true });
  if (tls === 'require') return open({ rejectUnauthorized: false });
  return open({ rejectUnauthorized: false }).catch((error: { code?: string }) => { if (error.code === 'HANDSHAKE_NO_SSL_SUPPORT') return open(null); throw error; });
}

async function addressOf(connection: MysqlConnection, { secrets }: ConnectorTools): Promise<Address> {
  const tls = connection.tls ?? 'prefer';
  if (connection.url) return (await secrets.get(connection.url)).use((url) => parseUrl(url, tls, connection.name));
  const password = connection.password ? (await secrets.get(connection.password)).use((value) => value) : undefined;
  if (!connection.database) throw new EtlError('connection.forbidden', { part: `address of ${connection.name}`, reason: 'it names no database' });
  return { host: connection.host ?? '127.0.0.1', port: connection.port ?? 3306, user: connection.user ?? 'root', database: connection.database, tls, ...(password === undefined ? {} : { password }) };
}
/** Reads `mysql://user:password@host:port/database`. Options could change what is dialled, so they are refused. */
function parseUrl(url: string, tls: Address['tls'], connection: string): Address {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const database = parsed ? decodeURIComponent(parsed.pathname.slice(1)) : '';
  const reason = !parsed || !/^(mysql|mariadb):$/.test(parsed.protocol) || !database ? 'it is no mysql://user@host/database address' : parsed.search !== '' ? 'no options may be set in it' : null;
  if (!parsed || reason !== null) throw new EtlError('connection.forbidden', { part: `address of ${connection}`, reason: reason ?? 'it cannot be read' });
  return {
    host: decodeURIComponent(parsed.hostname).replace(/^\[|\]$/g, '') || '127.0.0.1', port: Number(parsed.port || 3306), user: decodeURIComponent(parsed.username) || 'root', database, tls,
    ...(parsed.password ? { password: decodeURIComponent(parsed.password) } : {}),
  };
}
