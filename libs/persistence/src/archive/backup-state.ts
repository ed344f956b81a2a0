import { EtlError } from '@agent-etl/contracts';
import pg from 'pg';
import { askOf } from '../applied-steps.ts';
import { asUnavailable, databaseCode, refusedLogin } from '../database-errors.ts';
import { STATE_RELEASE } from '../release.ts';
import { sql } from '../sql.ts';
import { clockText } from '../tenant-tx.ts';
import type { ArchiveEnd, ArchiveHeader, ArchivePart, KeyReference } from './archive-format.ts';
import { ArchiveWriter } from './archive-writer.ts';
import { copyOut } from './copy-statement.ts';
import { sequencesOf, stateSteps, stateTables } from './state-tables.ts';

/** @property url a login that row security does not bind: a superuser, or one with BYPASSRLS that may read the schemas
 * @property keys named in the archive, never held by it
 * @property onTable told of each table that is written
 * @property signal ends the work with its reason: nothing is left but what was there before */
export interface BackupOptions { readonly url: string; readonly file: string; readonly keys: readonly KeyReference[]; onTable?(table: string, rows: number): void | Promise<void>; readonly signal?: AbortSignal | undefined }
export interface BackupSummary { readonly file: string; readonly takenAt: string; readonly release: number; readonly tables: number; readonly rows: number; readonly bytes: number; readonly sha256: string; readonly seconds: number }
const NO_RIGHT = '42501';

/** Writes all state of a deployment as it was at one instant into one file, while the services go on.
 * @throws EtlError `config.invalid` for a login that sees only part, `state.older` where nothing is migrated, `platform.unavailable` */
export async function backupState(options: BackupOptions): Promise<BackupSummary> {
  const began = performance.now();
  const client = await connect(options.url, 'agent-etl backup', options.signal);
  try {
    // Row security off means an error for a login that it binds: never an archive that lacks rows in silence.
    await client.query(`set row_security = off; set statement_timeout = 0; set TimeZone = 'UTC'; begin isolation level repeatable read read only`);
    const header = await headerOf(client, options.keys);
    const end = await write(client, header, options);
    return { file: options.file, takenAt: header.takenAt, release: header.release, tables: end.parts, rows: end.rows, bytes: end.bytes, sha256: end.sha256, seconds: (performance.now() - began) / 1000 };
  } catch (error) {
    options.signal?.throwIfAborted();
    if (databaseCode(error) === NO_RIGHT) throw blind(error);
    throw asUnavailable(error);
  } finally {
    await client.end().catch(() => undefined); // why it failed is what matters
  }
}
/** @throws EtlError `config.invalid` for a login that row security binds */
export async function requireAllRows(client: pg.Client): Promise<void> {
  const [login] = await askOf(client)<{ all: boolean }>(sql`select rolsuper or rolbypassrls as all from pg_roles where rolname = current_user`);
  if (!login?.all) throw blind();
}
const blind = (cause?: unknown): EtlError => new EtlError('config.invalid', { problems: 'this login does not see all rows of all tenants: use a superuser, or one with BYPASSRLS that may read and write the four schemas' }, { cause });

/** @param signal cuts the connection, with what runs on it and an open transaction */
export async function connect(url: string, name: string, signal?: AbortSignal): Promise<pg.Client> {
  signal?.throwIfAborted();
  const client = new pg.Client({ connectionString: url, application_name: name, connectionTimeoutMillis: 10_000, keepAlive: true });
  client.on('error', () => undefined); // the statement that runs reports it
  const cut = (): void => { client.end().catch(() => undefined); };
  signal?.addEventListener('abort', cut, { once: true });
  client.once('end', () => { signal?.removeEventListener('abort', cut); });
  try { await client.connect(); } catch (error) { throw refusedLogin(error) ?? asUnavailable(error); }
  return client;
}

async function headerOf(client: pg.Client, keys: readonly KeyReference[]): Promise<ArchiveHeader> {
  const ask = askOf(client);
  await requireAllRows(client);
  const [facts] = await ask<{ at: string; server: string; database: string }>(sql`select ${clockText} as at, current_setting('server_version') as server, current_database() as database`);
  const steps = await stateSteps(ask);
  const lacking = Object.entries(steps).filter(([, list]) => list.length === 0).map(([schema]) => schema);
  if (lacking.length || Object.keys(steps).length === 0) throw new EtlError('state.older', { schema: lacking[0] ?? facts?.database ?? '', names: 'all of it: there is no state here' });
  const schemas = Object.fromEntries(Object.entries(steps).map(([schema, list]) => [schema, list.map(({ name, release, floor }) => ({ name, release: release ?? 1, floor: floor ?? 0 }))]));
  return { format: 'agent-etl backup', version: 1, release: STATE_RELEASE, takenAt: facts!.at, server: facts!.server, database: facts!.database, schemas, keys: [...keys] };
}

async function write(client: pg.Client, header: ArchiveHeader, { file, onTable }: BackupOptions): Promise<ArchiveEnd> {
  const writer = await ArchiveWriter.open(file, header).catch((cause: unknown) => { throw unwritable(file, cause); });
  try {
    for (const table of await stateTables(askOf(client))) {
      const part: ArchivePart = { ...table, sequences: await sequencesOf(askOf(client), table) };
      await writer.begin(part);
      const counted = await copyOut(client, `copy ${columnsOf(client, part)} to stdout`, (row) => writer.row(row));
      const { rows } = await writer.end();
      if (rows !== counted) throw new Error(`${part.schema}.${part.table}: the server counts ${counted} rows, ${rows} came`);
      await onTable?.(`${part.schema}.${part.table}`, rows);
    }
    await client.query('commit');
    return await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? new EtlError('platform.disk-full', { what: file }, { cause: error }) : error;
  }
}
function unwritable(file: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  return code === undefined ? cause : new EtlError('config.invalid', { problems: `${file} cannot be written: ${code}` }, { cause });
}

/** `schema.table (columns)`, each name quoted. */
export const columnsOf = (client: pg.Client, { schema, table, columns }: Pick<ArchivePart, 'schema' | 'table' | 'columns'>): string =>
  `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(table)} (${columns.map((name) => client.escapeIdentifier(name)).join(', ')})`;
