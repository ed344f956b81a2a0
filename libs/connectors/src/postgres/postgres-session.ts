import { createHash } from 'node:crypto';
import { connect as dial, isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { EtlError, type PostgresConnection } from '@agent-etl/contracts';
import { type SafeSql, compile, isSafeSql, sqlFor } from '@agent-etl/sql-safety';
import pg from 'pg';
import { nearestNames } from '../file/nearest-names-rules.ts';
import type { ConnectorTools } from '../port.ts';
import type { Resting } from '../resting-connections.ts';
import { type CopyIn, openCopyIn } from './copy-in.ts';
import { type CopyOut, openCopyOut } from './copy-out.ts';
import { type FailureContext, postgresFailure } from './postgres-failure.ts';
import type { WalkMode } from './frame-walker.ts';
import { LendingSocket } from './lending-socket.ts';

const sql = sqlFor('postgres');
const CONNECT_MS = 5_000;
/** Text forms that both ends rely on, whatever the server's defaults are. */
const SETTINGS = ['client_encoding=UTF8', 'TimeZone=UTC', 'DateStyle=ISO', 'IntervalStyle=iso_8601', 'extra_float_digits=1', 'bytea_output=hex', 'standard_conforming_strings=on', 'client_min_messages=warning', 'statement_timeout=0',
  'tcp_keepalives_idle=60', 'tcp_keepalives_interval=10', 'tcp_keepalives_count=3']; // a host that vanishes says no goodbye: its picture would keep vacuum waiting for the two hours of a system's default

interface Address { readonly host: string; readonly port: number; readonly user: string; readonly database: string; readonly password?: string; readonly tls: NonNullable<PostgresConnection['tls']> }
/** What a statement was about, for the words of its failure. */
interface About { readonly phase?: string; readonly relation?: string; readonly right?: FailureContext['right'] }
export interface SessionOptions { readonly tools: ConnectorTools; readonly settings?: readonly string[] }

/** One connection to a user's PostgreSQL: control statements through the driver, COPY on the wire. Thrown away on any error of a COPY. */
export class PostgresSession {
  readonly #client: pg.Client;
  readonly context: Omit<FailureContext, 'phase'>;
  #isBroken = false;
  /** In a COPY, or asked to stop: the answer to that may still come, and would hit whoever is next. */
  #isSpoiled = false;
  #isCancelled = false;
  #rest: ((session: PostgresSession) => Promise<void>) | null = null;
  private constructor(client: pg.Client, context: Omit<FailureContext, 'phase'>) {
    this.#client = client;
    this.context = context;
    client.on('error', () => { this.#isBroken = true; });
    client.on('end', () => { this.#isBroken = true; });
  }

  /** One that rests, or a new one: dialled with the secret opened for this moment. @throws EtlError `connection.unreachable`, `connection.auth-failed`, `source.not-found`, `secret.*` */
  static async connect(connection: PostgresConnection, { tools, settings = [] }: SessionOptions): Promise<PostgresSession> {
    const address = await addressOf(connection, tools);
    const login = createHash('sha256').update(JSON.stringify([connection.name, address, settings, tools.name])).digest('hex');
    const rested = tools.resting?.take(login);
    if (rested instanceof RestingSession) return rested.session;
    const context = { connection: connection.name, address: address.host.startsWith('/') ? address.host : `${address.host}:${address.port}`, user: address.user, database: address.database };
    try {
      const session = new PostgresSession(await dialClient(address, [...SETTINGS, ...settings], tools.name), context);
      const { resting } = tools;
      if (resting) session.#rest = (one) => resting.keep(login, new RestingSession(one));
      return session;
    } catch (error) {
      const failure = translated(error, { ...context, phase: 'connecting' });
      throw (error as { code?: string }).code === '3D000' ? await withNearest(failure, address, tools.name) : failure;
    }
  }
  get isBroken(): boolean { return this.#isBroken; }
  /** The server process behind this session. */
  get pid(): number { return (this.#client as unknown as { processID: number | null }).processID ?? 0; }

  /** Rows of one statement. @throws EtlError in the words of the error table */
  async run<T>(statement: SafeSql<'postgres'>, about: About = {}): Promise<T[]> { return (await this.#query(statement, about)).rows as T[]; }
  /** Rows that one INSERT, UPDATE or DELETE touched, as the server counted them. */
  async count(statement: SafeSql<'postgres'>, about: About = {}): Promise<number> { return (await this.#query(statement, about)).rowCount ?? 0; }
  async #query(statement: SafeSql<'postgres'>, about: About): Promise<pg.QueryResult> {
    if (!isSafeSql(statement) || statement.dialect !== 'postgres') throw new TypeError('connectors run only what sql-safety compiled for postgres');
    try {
      return await this.#client.query(statement.text, statement.params.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value)));
    } catch (error) {
      throw this.failure(error, about);
    }
  }
  failure(error: unknown, about: { phase?: string; relation?: string | undefined; right?: FailureContext['right'] } = {}): unknown {
    return postgresFailure(error, { ...this.context, ...about, phase: about.phase ?? 'a statement' });
  }
  async copyOut(statement: SafeSql<'postgres'>, mode: WalkMode): Promise<CopyOut> {
    const copy = await openCopyOut(this.#client, text(statement), mode);
    return { pump: (options) => this.#copying(() => copy.pump(options)) };
  }
  async copyIn(statement: SafeSql<'postgres'>): Promise<CopyIn> {
    this.#isSpoiled = true;
    const copy = await openCopyIn(this.#client, text(statement));
    return { frames: copy.frames, bytes: copy.bytes, done: () => this.#copying(() => copy.done()) };
  }
  async #copying<T>(work: () => Promise<T>): Promise<T> {
    this.#isSpoiled = true;
    const answer = await work();
    this.#isSpoiled = this.#isCancelled;
    return answer;
  }

  /** Asks the server to stop what this session runs. Answers when the server took the request. */
  async cancel(): Promise<void> {
    const { host, port, processID, secretKey } = this.#client as unknown as { host: string; port: number; processID: number | null; secretKey: number | Buffer | null };
    this.#isCancelled = this.#isSpoiled = true;
    if (processID === null || secretKey === null) return;
    const key = typeof secretKey === 'number' ? int32(secretKey) : secretKey;
    const body = Buffer.concat([int32(80_877_102), int32(processID), key]);
    await new Promise<void>((done) => {
      const socket = host.startsWith('/') ? dial(`${host}/.s.PGSQL.${port}`) : dial(port, host);
      socket.setTimeout(1_000, () => { socket.destroy(); }).once('error', () => { done(); }).once('close', () => { done(); });
      socket.once('connect', () => { socket.end(Buffer.concat([int32(body.length + 4), body])); });
    });
  }
  /** Lets it rest where the worker keeps connections, else says goodbye; a broken connection is cut. */
  async end(): Promise<void> {
    if (this.#isBroken || this.#isSpoiled || !this.#rest) return this.goodbye();
    void this.#comeToRest(this.#rest); // nobody waits for that
  }
  /** The next user finds it as it was dialled. One that is still in a transaction refuses, and goes. */
  async #comeToRest(rest: (session: PostgresSession) => Promise<void>): Promise<void> {
    const cut = setTimeout(() => { this.destroy(); }, CONNECT_MS).unref(); // a line that went silent answers never
    try { await this.#client.query(compile(sql`DISCARD ALL`).text); } catch { this.destroy(); return; } finally { clearTimeout(cut); }
    await rest(this);
  }
  async goodbye(): Promise<void> {
    if (this.#isBroken) { this.destroy(); return; }
    const cut = setTimeout(() => { this.destroy(); }, 1_000);
    await this.#client.end().catch(() => undefined);
    clearTimeout(cut);
  }
  /** Cuts the connection: the server rolls back. */
  destroy(): void {
    this.#isBroken = true;
    (this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }
}
/** A session that nobody uses. */
class RestingSession implements Resting {
  constructor(readonly session: PostgresSession) {}
  get isBroken(): boolean { return this.session.isBroken; }
  end(): Promise<void> { return this.session.goodbye(); }
}
const int32 = (value: number): Buffer => { const bytes = Buffer.alloc(4); bytes.writeInt32BE(value); return bytes; };
function text(statement: SafeSql<'postgres'>): string {
  if (!isSafeSql(statement) || statement.params.length > 0) throw new TypeError('COPY takes a compiled statement without values');
  return statement.text;
}
const translated = (error: unknown, context: FailureContext): unknown => {
  const failure = postgresFailure(error, context);
  return failure instanceof EtlError ? failure : new EtlError('connection.unreachable', { connection: context.connection, address: context.address }, { cause: error });
};

/** A missing database, with the names of those that are there and like it, as far as this login may ask. */
async function withNearest(failure: unknown, address: Address, name: string): Promise<unknown> {
  if (!(failure instanceof EtlError)) return failure;
  const client = await dialClient({ ...address, database: 'postgres' }, [], name).catch(() => null);
  if (!client) return failure;
  try {
    const { rows } = await client.query<{ datname: string }>('SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate');
    const near = nearestNames(address.database, rows.map(({ datname }) => datname));
    return near.length ? new EtlError(failure.code, { ...failure.details, next: `did you mean ${near.join(' or ')}?` }, { cause: failure.cause }) : failure;
  } catch {
    return failure; // what is known is said
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function dialClient(address: Address, settings: readonly string[], name: string): Promise<pg.Client> {
  const { tls, ...login } = address;
  const make = (ssl: pg.ClientConfig['ssl']): pg.Client => new pg.Client({
    ...login, ssl, application_name: name, connectionTimeoutMillis: CONNECT_MS, keepAlive: true, options: settings.map((setting) => `-c ${setting}`).join(' '),
    ...(ssl === false ? { stream: () => new LendingSocket() } : {}),
  });
  const open = async (ssl: pg.ClientConfig['ssl']): Promise<pg.Client> => {
    const client = make(ssl);
    client.on('error', () => undefined); // until a session listens: a broken dial rejects connect, it must not end the process
    try { await client.connect(); return client; } catch (error) { await client.end().catch(() => undefined); throw error; }
  };
  if (tls === 'disable' || login.host.startsWith('/')) return open(false);
  if (tls === 'verify-full') return open(verified(login.host));
  if (tls === 'require') return open({ rejectUnauthorized: false });
  try { return await open({ rejectUnauthorized: false }); } catch (error) {
    if (error instanceof Error && error.message.includes('does not support SSL')) return open(false);
    throw error;
  }
}

/** The certificate must be of an authority that Node trusts and name the host, also one that is an address: those are not sent as a server name. */
const verified = (host: string): pg.ClientConfig['ssl'] =>
  ({ rejectUnauthorized: true, checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate), ...(isIP(host) ? {} : { servername: host }) });

async function addressOf(connection: PostgresConnection, { secrets }: ConnectorTools): Promise<Address> {
  const tls = connection.tls ?? 'prefer';
  if (connection.url) return (await secrets.get(connection.url)).use((url) => parseUrl(url, tls, connection.name));
  const password = connection.password ? (await secrets.get(connection.password)).use((value) => value) : undefined;
  return { host: connection.host ?? '127.0.0.1', port: connection.port ?? 5432, user: connection.user ?? 'postgres', database: connection.database ?? connection.user ?? 'postgres', tls, ...(password === undefined ? {} : { password }) };
}
const MODES: Readonly<Record<string, Address['tls']>> = { disable: 'disable', allow: 'prefer', prefer: 'prefer', require: 'require', 'verify-ca': 'verify-full', 'verify-full': 'verify-full' };
/** Reads `postgres://user:password@host:port/database?sslmode=…`. Other options could change what is dialled, so they are refused. */
function parseUrl(url: string, tls: Address['tls'], connection: string): Address {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const refuse = (reason: string): EtlError => new EtlError('connection.forbidden', { part: `address of ${connection}`, reason });
  if (!parsed || !/^postgres(ql)?:$/.test(parsed.protocol)) throw refuse('it is no postgres:// address');
  const strange = [...parsed.searchParams.keys()].find((name) => name !== 'sslmode' && name !== 'table');
  if (strange !== undefined) throw refuse('only sslmode may be set in it');
  const user = decodeURIComponent(parsed.username) || 'postgres';
  const mode = parsed.searchParams.get('sslmode');
  return {
    host: decodeURIComponent(parsed.hostname).replace(/^\[|\]$/g, '') || '127.0.0.1', port: Number(parsed.port || 5432), user, database: decodeURIComponent(parsed.pathname.slice(1)) || user,
    tls: mode === null ? tls : MODES[mode] ?? tls, ...(parsed.password ? { password: decodeURIComponent(parsed.password) } : {}),
  };
}
