import pg from 'pg';
import { migrateSchema } from './migrate-schema.ts';
import type { MigrationClass } from './migration-class.ts';
import { OWNER_ROLE, RELAY_ROLE } from './row-security.ts';
import type { MigrationPhase } from './schema-rules.ts';
import { type Schema, schemas } from './state-database.ts';

/** What a service opens its state with. */
export interface Logins { url: string; relayUrl: string }
export interface SchemaMigrations { schema: Schema; migrations: MigrationClass[] }
/** @property adminUrl a login that may create roles, databases and schemas; the owner of the schemas is enough where roles and database are there
 * @property database where the schemas live, made when missing; the admin URL's own when left out
 * @property password given to every login and put into the answered URLs; left out, logins keep the password they have and the URLs carry none
 * @property phase `expand` when left out: the release before still runs on what it leaves */
export interface PrepareOptions { adminUrl: string; database?: string; password?: string; schemas: SchemaMigrations[]; phase?: MigrationPhase }

/** Makes database, roles and schemas where they are missing and runs the migrations that are not in yet. Repeating it changes nothing;
 * of two starters one waits for the other.
 * @throws EtlError `state.newer`, `state.half-migrated`, `state.in-use` */
export async function prepareState({ adminUrl, database, password, schemas: wanted, phase = 'expand' }: PrepareOptions): Promise<Record<Schema, Logins>> {
  await withClient(adminUrl, async (client) => {
    // Roles belong to the cluster, so the lock is on the connection that everybody shares.
    await client.query(`select pg_advisory_lock(hashtextextended('agent-etl prepare', 0))`);
    if (database) await createDatabase(client, database);
    await createRoles(client, password);
    await grantOwner(client);
    const own = withLogin(adminUrl, { ...(database ? { database } : {}) });
    await withClient(own, async (there) => { for (const { schema } of wanted) await createSchema(there, schema); });
    for (const one of wanted) await migrateSchema(own, one, phase);
    await withClient(own, async (there) => { for (const { schema } of wanted) await grantTables(there, schema); });
  });
  const url = (user: string): string => withLogin(adminUrl, { user, password: password ?? '', ...(database ? { database } : {}) });
  return Object.fromEntries(schemas.map((schema) => [schema, { url: url(schema), relayUrl: url(RELAY_ROLE) }])) as Record<Schema, Logins>;
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'etl-prepare', connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined); // the statement that runs reports it
  await client.connect();
  try { return await work(client); } finally { await client.end(); }
}

function withLogin(base: string, { user, password, database }: { user?: string; password?: string; database?: string }): string {
  const url = new URL(base);
  if (user !== undefined) url.username = encodeURIComponent(user);
  if (password !== undefined) url.password = encodeURIComponent(password);
  if (database !== undefined) url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

async function createDatabase(client: pg.Client, database: string): Promise<void> {
  const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
  if (rowCount) return;
  await client.query(`create database ${client.escapeIdentifier(database)}`).catch(ignore('42P04', '23505'));
}

async function createRoles(client: pg.Client, password: string | undefined): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>('select rolname from pg_roles');
  const present = new Set(rows.map(({ rolname }) => rolname));
  if (!present.has(OWNER_ROLE)) await client.query(`create role ${OWNER_ROLE} nologin`).catch(ignore('42710', '23505'));
  for (const login of [...schemas, RELAY_ROLE]) {
    if (!present.has(login)) await client.query(`create role ${login} login`).catch(ignore('42710', '23505'));
    if (password !== undefined) await client.query(`alter role ${login} password ${client.escapeLiteral(password)}`);
  }
}

/** A superuser acts for every role; the administrator of a managed database must be a member first, and having made the role is not enough. */
async function grantOwner(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ super: boolean; owner: boolean; member: boolean }>(
    `select rolsuper as super, rolname = $1 as owner, pg_has_role(rolname, $1, 'member') as member from pg_roles where rolname = current_user`, [OWNER_ROLE]);
  const [{ super: isSuper, owner: isOwner, member } = { super: false, owner: false, member: false }] = rows;
  if (!isSuper && !isOwner) await client.query(`grant ${OWNER_ROLE} to current_user`).catch(member ? ignore('42501') : ignore());
}

async function createSchema(client: pg.Client, schema: Schema): Promise<void> {
  await client.query(`create schema if not exists ${schema} authorization ${OWNER_ROLE}`);
  await client.query(`grant usage on schema ${schema} to ${schema}, ${RELAY_ROLE}`);
  await client.query(`alter default privileges for role ${OWNER_ROLE} in schema ${schema} grant select, insert, update, delete on tables to ${schema}`);
  await client.query(`alter default privileges for role ${OWNER_ROLE} in schema ${schema} grant usage on sequences to ${schema}`);
}

async function grantTables(client: pg.Client, schema: Schema): Promise<void> {
  await client.query(`grant select, insert, update, delete on all tables in schema ${schema} to ${schema}`);
  await client.query(`revoke insert, update, delete on ${schema}.migrations, ${schema}.schema_step from ${schema}`);
}

const ignore = (...codes: string[]) => (error: unknown): void => {
  if (!codes.includes((error as { code?: string }).code ?? '')) throw error;
};
