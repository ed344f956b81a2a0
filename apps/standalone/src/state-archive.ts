import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createPublicKey } from 'node:crypto';
import { dirname, join } from 'node:path';
import { EtlError } from '@agent-etl/contracts';
import { keyIdOf } from '@agent-etl/orchestrator';
import { type BackupSummary, type KeyReference, type RestoreSummary, backupState, checkArchive, restoreState, sql, startEmbeddedPostgres } from '@agent-etl/persistence';
import { MemorySecretStore } from '@agent-etl/secrets';
import { urlWithPassword } from '@agent-etl/service-kit';
import { allServices } from './feature-services.ts';
import { stateDatabaseOf } from './kept-database.ts';
import { homeOf, lockProject } from './project-lock.ts';
import { keepPort, samePort } from './server-port.ts';

/** @property stateUrl administrator of the state's PostgreSQL; null for the embedded one of the project folder
 * @property passwordFile holds the password of a URL without one
 * @property keyFile public key of the receipts, PEM; the folder's own when null
 * @property signal ends the work with its reason; what was started for it is ended too */
export interface ArchiveOptions { readonly projectDir: string; readonly file: string; readonly stateUrl: string | null; readonly passwordFile: string | undefined; readonly keyFile: string | null; onTable(table: string, rows: number): void; readonly signal?: AbortSignal | undefined }
interface Place { readonly adminUrl: string; readonly database?: string; close(): Promise<void> }

/** Where the state is. An embedded server that runs already is used as it is; else it is started for as long as this takes. */
async function placeOf({ projectDir, stateUrl, passwordFile }: ArchiveOptions, work: 'backup' | 'restore'): Promise<Place> {
  if (stateUrl) return { adminUrl: await urlWithPassword(stateUrl, 'ETL_PERSISTENCE_ADMIN_PASSWORD_FILE', passwordFile), close: () => Promise.resolve() };
  const lock = await lockProject(projectDir).catch((error: unknown) => {
    if (work === 'backup' && error instanceof EtlError && error.code === 'request.conflict') return null;
    throw error instanceof EtlError && error.code === 'request.conflict' ? new EtlError('request.conflict', { ...error.details, action: 'a restore into its folder', next: 'stop it, or name another folder with --project' }) : error;
  });
  const database = await stateDatabaseOf(projectDir, null);
  if (!lock) return { adminUrl: await runningUrl(projectDir), database, close: () => Promise.resolve() };
  const server = await startEmbeddedPostgres({ folder: join(homeOf(projectDir), 'postgres'), ...await samePort(projectDir) }).catch(async (error: unknown) => { await lock.release(); throw error; });
  await keepPort(projectDir, server.url);
  return { adminUrl: server.url, database, close: async () => { await server.stop().finally(() => lock.release()); } };
}
async function runningUrl(projectDir: string): Promise<string> {
  const { postgresUrl } = JSON.parse(await readFile(join(homeOf(projectDir), 'run.json'), 'utf8').catch(() => '{}')) as { postgresUrl?: string };
  if (!postgresUrl) throw new EtlError('platform.unavailable', { dependency: 'The standalone of this folder is starting or stopping; its database', kept: 'no', next: 'try again in a moment' });
  return postgresUrl;
}
const databaseUrl = ({ adminUrl, database }: Place): string => (database ? Object.assign(new URL(adminUrl), { pathname: `/${database}` }).href : adminUrl);

/** The key that signs receipts, by its public half. The private one is never read. */
async function receiptKeys({ projectDir, stateUrl, keyFile }: ArchiveOptions): Promise<KeyReference[]> {
  const file = keyFile ?? (stateUrl ? null : publicKeyOf(projectDir));
  if (file === null || (keyFile === null && !existsSync(file))) return [];
  const publicKey = await readFile(file, 'utf8').catch((cause: unknown) => { throw new EtlError('config.invalid', { problems: `--key: ${file} cannot be read` }, { cause }); });
  try { return [{ use: 'receipts', keyId: keyIdOf(createPublicKey(publicKey)), publicKey: createPublicKey(publicKey).export({ type: 'spki', format: 'pem' }).toString(), reference: file }]; } catch (cause) {
    throw new EtlError('config.invalid', { problems: `--key: ${file} is no public key in PEM form` }, { cause });
  }
}
const publicKeyOf = (projectDir: string): string => join(homeOf(projectDir), 'keys', 'receipts.pub.pem');

/** Writes the state of a project folder or a deployment into a file, while it goes on. @throws EtlError */
export async function backup(options: ArchiveOptions): Promise<BackupSummary> {
  if (existsSync(options.file)) throw new EtlError('config.invalid', { problems: `${options.file} is there already`, next: 'name a new file' });
  if (!existsSync(dirname(options.file))) throw new EtlError('config.invalid', { problems: `there is no folder ${dirname(options.file)}` });
  if (!options.stateUrl && !existsSync(join(homeOf(options.projectDir), 'state-database'))) throw new EtlError('access.not-found', { what: `state in ${options.projectDir}`, next: 'name its folder with --project, or its database with --state' });
  const keys = await receiptKeys(options);
  const place = await placeOf(options, 'backup');
  try { return await backupState({ url: databaseUrl(place), file: options.file, keys, onTable: options.onTable, signal: options.signal }); } finally { await place.close(); }
}

// Attempts that came after the backup may have counted the fences of files on, by less than this.
const FENCES_AHEAD = 1_000;
const mend = { fences: sql`update worker.file_fence set value = value + ${FENCES_AHEAD}`, unfinished: sql`select from orchestrator.run where finished_at is null` };

/** @property otherKeys keys that sign receipts of the archive and are not the folder's: their public halves now lie in its folder of keys */
export interface Restored extends RestoreSummary { readonly otherKeys: readonly string[] }
/** Puts a file back into an empty folder or database. @throws EtlError */
export async function restore(options: ArchiveOptions): Promise<Restored> {
  const schemas = allServices({ secrets: new MemorySecretStore(), fileRoots: [] }).map(({ schema, migrations }) => ({ schema, migrations }));
  const checked = await checkArchive(options.file, schemas, options.signal); // before a folder or a server is made for it
  const place = await placeOf(options, 'restore');
  try {
    const summary = await restoreState({ ...place, file: options.file, checked, schemas, mend, onTable: options.onTable, signal: options.signal });
    return { ...summary, otherKeys: options.stateUrl ? [] : await keepPublicKeys(options.projectDir, summary.keys) };
  } finally { await place.close(); }
}
async function keepPublicKeys(projectDir: string, keys: readonly KeyReference[]): Promise<string[]> {
  const own = await readFile(publicKeyOf(projectDir), 'utf8').catch(() => null);
  const others = keys.filter(({ publicKey }) => publicKey !== own);
  await mkdir(dirname(publicKeyOf(projectDir)), { recursive: true, mode: 0o700 });
  for (const { keyId, publicKey } of others) await writeFile(join(dirname(publicKeyOf(projectDir)), `receipts.${keyId.replaceAll(/[^0-9a-f]/g, '')}.pub.pem`), publicKey, { mode: 0o644 });
  return others.map(({ keyId }) => keyId);
}
