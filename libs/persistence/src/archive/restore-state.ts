import { EtlError } from '@agent-etl/contracts';
import type pg from 'pg';
import { askOf } from '../applied-steps.ts';
import { asUnavailable } from '../database-errors.ts';
import { requireMigratable } from '../schema-check.ts';
import { judgeSchema } from '../schema-rules.ts';
import { type Sql, sql } from '../sql.ts';
import { type SchemaMigrations, type PrepareOptions, prepareState } from '../state-preparation.ts';
import { sendAgain } from './after-restore.ts';
import type { ArchiveHeader, ArchivePart } from './archive-format.ts';
import { type ArchiveContent, type ArchiveEvent, readArchive, verifyArchive } from './archive-reader.ts';
import { columnsOf, connect, requireAllRows } from './backup-state.ts';
import { copyIn } from './copy-statement.ts';
import { stateSteps, stateTables } from './state-tables.ts';

/** @property schemas what this release migrates: an archive of an earlier one is brought forward
 * @property checked what `checkArchive` has said of the file; it is checked here when left out
 * @property mend what else makes a picture of the past able to go on: statements of the same transaction, told by how many rows each answers or changes
 * @property onTable told of each table that is loaded
 * @property signal ends the work with its reason, until all is loaded and only the commit is left: then no row is there */
export interface RestoreOptions extends PrepareOptions { readonly file: string; readonly checked?: CheckedArchive; readonly mend?: Readonly<Record<string, Sql>>; onTable?(table: string, rows: number): void | Promise<void>; readonly signal?: AbortSignal | undefined }
/** @property resent messages that are sent again
 * @property mended rows by statement of `mend` */
export interface RestoreSummary { readonly resent: number; readonly mended: Readonly<Record<string, number>>; readonly file: string; readonly takenAt: string; readonly release: number; readonly tables: number; readonly rows: number; readonly bytes: number;
  readonly verifySeconds: number; readonly loadSeconds: number; readonly seconds: number; readonly keys: ArchiveHeader['keys'] }

/** What is known of an archive before there is a place for it.
 * @property schemas migrations that its schemas had seen */
export interface CheckedArchive extends Pick<ArchiveContent, 'header' | 'end'> { readonly schemas: SchemaMigrations[]; readonly verifySeconds: number }

/** Checks every byte of an archive, and that this release can bring it back. Writes nothing, and needs no database.
 * @throws EtlError `backup.invalid`, `state.newer` for an archive of a later release */
export async function checkArchive(file: string, known: readonly SchemaMigrations[], signal?: AbortSignal): Promise<CheckedArchive> {
  const began = performance.now();
  const { header, end } = await verifyArchive(file, signal);
  return { header, end, schemas: asArchived(header, known), verifySeconds: secondsSince(began) };
}

/** Puts an archive into an empty database. Every byte of it is checked before anything is written; then all rows come in one transaction, or none.
 * @throws EtlError `backup.invalid`, `state.newer` for an archive of a later release, `state.not-empty`, `config.invalid` for a login that may not */
export async function restoreState(options: RestoreOptions): Promise<RestoreSummary> {
  const began = performance.now();
  const { header, end, schemas, verifySeconds } = options.checked ?? await checkArchive(options.file, options.schemas, options.signal);
  const url = databaseUrl(options);
  await requireEmpty(options, url);
  options.signal?.throwIfAborted();
  await prepareState({ ...options, schemas, phase: 'contract' });
  const loading = performance.now();
  const mended = await loadInto(url, header, options);
  const loadSeconds = secondsSince(loading);
  await prepareState(options);
  return { ...mended, file: options.file, takenAt: header.takenAt, release: header.release, tables: end.parts, rows: end.rows, bytes: end.bytes, keys: header.keys, verifySeconds, loadSeconds, seconds: secondsSince(began) + (options.checked?.verifySeconds ?? 0) };
}
const secondsSince = (from: number): number => (performance.now() - from) / 1000;
const databaseUrl = ({ adminUrl, database }: PrepareOptions): string => (database ? Object.assign(new URL(adminUrl), { pathname: `/${encodeURIComponent(database)}` }).href : adminUrl);

/** The migrations that the archive's schemas had seen, and no others. @throws EtlError `state.newer` */
function asArchived({ schemas }: ArchiveHeader, known: readonly SchemaMigrations[]): SchemaMigrations[] {
  return Object.entries(schemas).map(([schema, steps]) => {
    const own = known.find((one) => one.schema === schema);
    const migrations = own?.migrations.map((One) => ({ One, step: new One() })) ?? [];
    const names = new Set(migrations.map(({ step }) => step.name));
    const unknown = steps.filter(({ name }) => !names.has(name)).map((step) => ({ ...step, floor: null })); // rows of a table that this release does not make have no place
    requireMigratable(schema, judgeSchema([...steps.filter(({ name }) => names.has(name)), ...unknown], migrations.map(({ step }) => step)));
    const seen = new Set(steps.map(({ name }) => name));
    return { schema: own!.schema, migrations: migrations.filter(({ step }) => seen.has(step.name)).map(({ One }) => One) };
  });
}

/** Schemas may be there when they hold no row, as a restore that was killed leaves them. @throws EtlError `state.not-empty`, `platform.unavailable` */
async function requireEmpty({ adminUrl, database }: PrepareOptions, url: string): Promise<void> {
  const admin = await connect(adminUrl, 'agent-etl restore');
  const there = await isThere(admin, database).finally(() => admin.end());
  if (!there) return;
  const client = await connect(url, 'agent-etl restore');
  try { await refuseRows(client); } finally { await client.end(); }
}
async function isThere(admin: pg.Client, database: string | undefined): Promise<boolean> {
  await requireAllRows(admin);
  return database === undefined || ((await admin.query('select from pg_database where datname = $1', [database])).rowCount ?? 0) > 0;
}
async function refuseRows(client: pg.Client): Promise<void> {
  await client.query('set row_security = off');
  const [facts] = await askOf(client)<{ database: string; sessions: number }>(sql`select current_database() as database, (select count(*)::int from pg_stat_activity where datname = current_database() and application_name like 'etl-%' and application_name not like 'etl-prepare%' and application_name not like 'etl-migrate%') as sessions`);
  const notEmpty = (found: string): EtlError => new EtlError('state.not-empty', { database: facts!.database, found });
  if (facts!.sessions > 0) throw notEmpty('services use it');
  for (const table of await stateTables(askOf(client))) {
    const { rowCount } = await client.query(`select from ${client.escapeIdentifier(table.schema)}.${client.escapeIdentifier(table.table)} limit 1`);
    if (rowCount) throw notEmpty(`${table.schema}.${table.table} has rows`);
  }
}

async function loadInto(url: string, header: ArchiveHeader, options: RestoreOptions): Promise<Pick<RestoreSummary, 'resent' | 'mended'>> {
  const { cut, keep } = cutting(options.signal);
  const client = await connect(url, 'agent-etl restore', cut);
  try {
    await client.query(`set statement_timeout = 0; set lock_timeout = '3s'; set TimeZone = 'UTC'; set row_security = off; begin`);
    // Rows of one snapshot refer to each other as they did there: the server need not look each one up again. Only a superuser may say so.
    await client.query(`select set_config('session_replication_role', 'replica', true) from pg_roles where rolname = current_user and rolsuper`);
    await requireSame(client, header);
    const tables = (await stateTables(askOf(client))).map(({ schema, table }) => `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(table)}`);
    await client.query(`lock table ${tables.join(', ')} in access exclusive mode`);
    await refuseRows(client);
    await loadAll(client, options);
    const resent = await sendAgain(client, Object.keys(header.schemas));
    const mended: Record<string, number> = {};
    for (const [what, { text, values }] of Object.entries(options.mend ?? {})) mended[what] = (await client.query(text, [...values])).rowCount ?? 0;
    keep();
    await client.query('commit');
    await client.query('analyze').catch(() => undefined); // only statistics: the server makes them by itself a little later
    return { resent, mended };
  } catch (error) {
    cut.throwIfAborted();
    throw asUnavailable(error);
  } finally {
    await client.end().catch(() => undefined); // an open transaction ends with it
  }
}
/** A signal that is heard until `keep`: a commit that is cut is one that nobody knows of. */
function cutting(signal: AbortSignal | undefined): { cut: AbortSignal; keep(): void } {
  const own = new AbortController();
  const hear = (): void => { own.abort(signal?.reason); };
  if (signal?.aborted) hear();
  signal?.addEventListener('abort', hear, { once: true });
  return { cut: own.signal, keep: () => { own.signal.throwIfAborted(); signal?.removeEventListener('abort', hear); } };
}
async function requireSame(client: pg.Client, { schemas }: ArchiveHeader): Promise<void> {
  const found = await stateSteps(askOf(client));
  const others = Object.entries(schemas).filter(([schema, steps]) => JSON.stringify((found[schema] ?? []).map(({ name }) => name).sort()) !== JSON.stringify(steps.map(({ name }) => name).sort())).map(([schema]) => schema);
  if (others.length) throw new EtlError('state.not-empty', { database: client.database ?? '', found: `the schema ${others.join(', ')} is of another release than the backup` });
}

/** Runs through the archive once more; what it yields goes into the open transaction. Its last checksum comes before the commit. */
async function loadAll(client: pg.Client, { file, onTable }: RestoreOptions): Promise<void> {
  const events = readArchive(file, 'load');
  try { await loadTables(client, events, { file, onTable }); } finally { await events.return(undefined); }
}
async function loadTables(client: pg.Client, events: AsyncGenerator<ArchiveEvent>, { file, onTable }: Pick<RestoreOptions, 'file' | 'onTable'>): Promise<void> {
  for (let next = await events.next(); !next.done; next = await events.next()) {
    if (next.value.is !== 'part') continue;
    const { part } = next.value;
    let said = -1;
    const counted = await copyIn(client, `copy ${columnsOf(client, part)} from stdin`, rowsUntilEnd(events, (rows) => { said = rows; }));
    if (counted !== said) throw new EtlError('backup.invalid', { file, problem: `${part.schema}.${part.table}: ${said} rows in the archive, ${counted} by the server's count` });
    await setSequences(client, part);
    await onTable?.(`${part.schema}.${part.table}`, counted);
  }
}
async function* rowsUntilEnd(events: AsyncGenerator<ArchiveEvent>, onEnd: (rows: number) => void): AsyncGenerator<Buffer> {
  for (let next = await events.next(); !next.done; next = await events.next()) {
    if (next.value.is === 'rows') yield next.value.rows;
    if (next.value.is === 'part-end') { onEnd(next.value.rows); return; }
  }
}
async function setSequences(client: pg.Client, { schema, table, sequences }: ArchivePart): Promise<void> {
  for (const { column, last, called } of sequences) await client.query(`select setval(pg_get_serial_sequence($1, $2), $3::bigint, $4)`, [`${schema}.${table}`, column, last, called]);
}
