import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ask, saidBy } from './ask.ts';

/** Where a run may leave something behind.
 * @property databases of the user, on both ends
 * @property sessions whether connections may rest there, which they do two seconds, or must all be gone, so that a database has nobody but who asks; who keeps a picture for an attempt that may come sleeps on either way
 * @property known staging tables that were there before
 * @property folders of file targets, with hidden halves, and scratch folders below each of which a process keeps an empty one */
export interface Places { readonly databases: readonly Ask[]; readonly sessions: 'may rest' | 'must be gone'; readonly known?: readonly string[]; readonly folders?: { readonly targets: string; readonly scratch: string | null } | null }
const keeps = `query like '%pg_sleep%'`;
const visitors = { 'may rest': `application_name like 'agent-etl %' and state <> 'active'`, 'must be gone': `backend_type = 'client backend' and pid <> pg_backend_pid()` };

const staging = `select 'staging ' || relname as what from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where nspname = '_etl' and relkind = 'r' and relname not in ('fence', 'ledger', 'position', 'history', 'quarantine') and relname <> all($1)`;
const seen = (sessions: Places['sessions']): string => `
  union all select concat_ws(' ', 'session', application_name, state, left(query, 80)) from pg_stat_activity where datname = current_database() and ${visitors[sessions]} and not ${keeps}${sessions === 'may rest' ? ` and state like 'idle in transaction%'` : ''}
  union all select concat_ws(' ', 'lock', locktype, mode, relation::regclass::text) from pg_locks l join pg_stat_activity using (pid) where datname = current_database() and ${visitors[sessions]} and not ${keeps} and locktype <> 'virtualxid'
  union all select 'prepared ' || gid from pg_prepared_xacts where database = current_database()`;
/** Services look at their state all the time: a transaction of theirs that stands still is one that was forgotten. */
const forgotten = `select concat_ws(' ', 'transaction', application_name, left(query, 80)) as what from pg_stat_activity where datname = current_database() and application_name like 'etl-%' and state like 'idle in transaction%' and state_change < clock_timestamp() - interval '2 seconds'`;

async function below(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])).map((entry) => join(entry.parentPath, entry.name));
}
async function ofFiles({ targets, scratch }: NonNullable<Places['folders']>): Promise<string[]> {
  const halves = (await below(targets)).filter((path) => /\/\.etl-[^/]*$|\/\.[^/]*\.tmp$/.test(path.slice(targets.length)));
  const scraps = scratch === null ? [] : (await below(scratch)).filter((path) => path.slice(scratch.length + 1).includes('/'));
  return [...halves, ...scraps];
}
/** Staging, transactions, locks, sessions and half files that are there now. */
export async function ofTraces(state: Ask, { databases, sessions, known = [], folders }: Places): Promise<string[]> {
  const left: string[] = [];
  for (const ask of databases) left.push(...await saidBy(ask, staging + seen(sessions), [known]));
  return [...left, ...await saidBy(state, forgotten), ...folders ? await ofFiles(folders) : []];
}
