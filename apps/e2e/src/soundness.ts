import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { RunId } from '@agent-etl/contracts';
import { type Ask, type Case, unsound } from '@agent-etl/etl-worker/testing';
import pg from 'pg';
import type { Ground, Table } from './ground.ts';
import { type World, sqlIn, urlOf } from './world.ts';

/** A connection rests two seconds after each use, and a look at values may follow a run when nothing else is to do. */
const WITHIN_MS = 15_000;
/** Three leases: so long a sleeping server process keeps the picture of a source for an attempt that may come. */
const HOLDERS_WITHIN_MS = 45_000;
export const stateDatabase = 'agent_etl';

/** A connection for each statement: whoever looks for sessions sees none of ours. */
const askOf = (server: Pick<World, 'postgresUrl'>, database: string): Ask => async <T extends object>(text: string, values: readonly unknown[] = []) => {
  const client = new pg.Client({ connectionString: urlOf(server.postgresUrl, database) });
  await client.connect();
  try { return (await client.query<T>(text, [...values])).rows; } finally { await client.end(); }
};
/** What a run has written: a table of the vault, as it is in the origin; or files, whose rows are read a second time elsewhere. */
export type Written = { readonly target: string; readonly from?: Table } | 'files';

export async function caseOf(world: World, { source, target }: Ground, of: { readonly runId: RunId; readonly wrote: Written }): Promise<Case> {
  const [state, shop, warehouse] = [askOf(world, stateDatabase), askOf(source, 'shop'), askOf(target, 'warehouse')];
  const ends = of.wrote === 'files' ? null : { source: { ask: shop, rows: `select * from ${of.wrote.from ?? 'parcel'}` }, target: { ask: warehouse, rows: `select * from mart.${of.wrote.target}` } };
  return {
    runId: of.runId, state, publicKey: await readFile(world.publicKey, 'utf8'), ledger: ends ? { ask: warehouse, of: 'table' } : { ask: state, of: 'files' }, ends,
    places: { databases: [shop, warehouse], sessions: 'must be gone', folders: { targets: world.folder, scratch: world.scratch } },
  };
}
/** All that the universal oracle asks holds for a run, and nothing is left of what has ended. Who holds a picture may sleep on for a while. */
export async function expectSound(world: World, ground: Ground, of: { readonly runId: RunId; readonly wrote: Written }): Promise<void> {
  expect(await unsound(await caseOf(world, ground, of), WITHIN_MS)).toEqual([]);
}
/** Within three leases nobody holds a picture any more. */
export async function expectNoHolderLeft({ source }: Ground): Promise<void> {
  const holders = (): Promise<{ pid: number }[]> => sqlIn(source, 'shop', `select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query like '%pg_sleep%'`);
  let left = await holders();
  for (const until = Date.now() + HOLDERS_WITHIN_MS; left.length > 0 && Date.now() < until; left = await holders()) await delay(250);
  expect(left).toEqual([]);
}
/** A run on the databases that all scenarios share, where others may be at work. */
export async function expectRunSound(world: World, runId: RunId): Promise<void> {
  const [state, ask] = [askOf(world, stateDatabase), askOf(world, 'warehouse')];
  expect(await unsound({ runId, state, publicKey: await readFile(world.publicKey, 'utf8'), ledger: { ask, of: 'table' }, ends: null, places: null }, WITHIN_MS)).toEqual([]);
}
