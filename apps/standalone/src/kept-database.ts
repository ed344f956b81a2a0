import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { homeOf } from './project-lock.ts';

const fileOf = (projectDir: string): string => join(homeOf(projectDir), 'state-database');
const usual = 'agent_etl';

/** The database of the folder's state: the one named now, else the one named last, so that a later command finds the runs of an earlier one. */
export async function stateDatabaseOf(projectDir: string, named: string | null): Promise<string> {
  const kept = await readFile(fileOf(projectDir), 'utf8').catch(() => '');
  const database = named ?? (kept.trim() || usual);
  if (database !== kept.trim()) await writeFile(fileOf(projectDir), `${database}\n`, { mode: 0o600 });
  return database;
}
