import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { Ground } from './ground.ts';
import type { OwnPostgres } from './own-postgres.ts';
import { type World, sqlIn } from './world.ts';

/** A connection rests two seconds after each use, and a look at values may follow a run when nothing else is to do. */
const WITHIN_MS = 15_000;
/** Three leases: so long a sleeping server process keeps the picture of a source for an attempt that may come. */
const HOLDERS_WITHIN_MS = 45_000;
const ours = `backend_type = 'client backend' and pid <> pg_backend_pid() and datname = current_database()`;
const sleeps = `query like '%pg_sleep%'`;

/** Staging, sessions of ours with what they do, and locks that anybody but a server process of PostgreSQL's own holds. */
const sessions = (server: OwnPostgres, database: string): Promise<{ what: string }[]> => sqlIn(server, database, `
  select 'staging ' || relname as what from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = '_etl' and relkind = 'r' and relname not in ('fence', 'ledger', 'position', 'history', 'quarantine')
  union all select concat_ws(' ', 'session', application_name, state, left(query, 80)) from pg_stat_activity where ${ours} and not ${sleeps}
  union all select concat_ws(' ', 'lock', locktype, mode, relation::regclass::text) from pg_locks l join pg_stat_activity using (pid)
    where ${ours} and not ${sleeps} and l.locktype <> 'virtualxid'
  union all select 'prepared ' || gid from pg_prepared_xacts`);

async function below(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])).map((entry) => join(entry.parentPath, entry.name));
}
/** Hidden halves of files in the folder of targets, and everything below the scratch folders of workers: each process keeps an empty one. */
async function files({ folder, scratch }: World): Promise<{ what: string }[]> {
  const halves = (await below(folder)).filter((path) => /\/\.[^/]*\.tmp$/.test(path));
  const scraps = (await below(scratch)).filter((path) => path.slice(scratch.length + 1).includes('/'));
  return [...halves, ...scraps].map((path) => ({ what: path }));
}
const traces = async (world: World, { source, target }: Ground): Promise<{ what: string }[]> =>
  (await Promise.all([sessions(source, 'shop'), sessions(target, 'warehouse'), files(world)])).flat();

/** Within fifteen seconds nothing is left of what has ended: no staging, no half file, no session, transaction or lock. Who holds a picture may sleep on for a while. */
export async function expectNothingLeft(world: World, ground: Ground): Promise<void> {
  let left = await traces(world, ground);
  for (const until = Date.now() + WITHIN_MS; left.length > 0 && Date.now() < until; left = await traces(world, ground)) await delay(100);
  expect(left).toEqual([]);
}
/** Within three leases nobody holds a picture any more, and nothing else is left either. */
export async function expectNoHolderLeft(world: World, ground: Ground): Promise<void> {
  const holders = (): Promise<{ pid: number }[]> => sqlIn(ground.source, 'shop', `select pid from pg_stat_activity where ${ours} and ${sleeps}`);
  let left = await holders();
  for (const until = Date.now() + HOLDERS_WITHIN_MS; left.length > 0 && Date.now() < until; left = await holders()) await delay(250);
  expect(left).toEqual([]);
  await expectNothingLeft(world, ground);
}
