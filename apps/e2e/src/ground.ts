import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { Pipeline, RunId } from '@agent-etl/contracts';
import pg from 'pg';
import { OwnPostgres } from './own-postgres.ts';
import { between, connectTo, inShop, inWarehouse, makeDatabases } from './steps.ts';
import { type World, urlOf } from './world.ts';

/** Two servers of a scenario's own, a source and a target: they, their locks and the state can be broken one by one. */
export interface Ground { readonly source: OwnPostgres; readonly target: OwnPostgres; drop(): Promise<void> }
/** Where scenarios that break something take place. */
export interface Scene { readonly world: () => World; readonly ground: () => Ground }

/** Tables of the source by name, with their rows. `parcel` has about 90 MB, which are six pieces. It has no key, so that nothing but fence and ledger
 * keeps a row from coming twice, and every tenth row has a legal twin. */
export const rowsOf = { parcel: 200_000, letter: 500 } as const;
export type Table = keyof typeof rowsOf;
const PIECES = 6;
const tables = `create table parcel (id bigint not null, at timestamptz not null, note text, amount numeric(18,4));
  insert into parcel select m, '2001-01-01'::timestamptz + m * interval '1 second', repeat(md5(m::text), 12), m / 4.0 from (select n - (n % 10) / 9 as m from generate_series(1, ${rowsOf.parcel}) as n) as numbers;
  create table letter (id int primary key, at timestamptz not null);
  insert into letter select n, '2001-01-01'::timestamptz + n * interval '1 day' from generate_series(1, ${rowsOf.letter}) as n; analyze`;

/** Makes the ground, and its connections `origin` and `vault`. */
export async function layGround(world: World, password: string): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'etl-ground-'));
  const [source, target] = await Promise.all([OwnPostgres.open(join(folder, 'source')), OwnPostgres.open(join(folder, 'target'))]);
  const ground = { source, target, drop: async () => { await Promise.all([source.drop(), target.drop()]); await rm(folder, { recursive: true, force: true }); } };
  try {
    await Promise.all([makeDatabases(source, ['shop'], password), makeDatabases(target, ['warehouse'], password)]);
    await connectTo(world, source, { name: 'origin', database: 'shop' });
    await connectTo(world, target, { name: 'vault', database: 'warehouse' });
    await inShop(source, tables);
    return ground;
  } catch (error) {
    await ground.drop(); // its servers outlive this process
    throw error;
  }
}
export const toVault = (target: string, from: Table = 'parcel'): Pipeline => between(`origin|public.${from}`, `vault|mart.${target}`);
export const toFile = (file: string): Pipeline => between('origin|public.parcel', `files|${file}`);

/** Pieces of a run in the target's ledger, written by this attempt or a later one. */
async function pieces({ target }: Ground, runId: RunId, attempt: number): Promise<number> {
  const [row] = await inWarehouse<{ n: number }>(target, `select count(*)::int as n from _etl.ledger where run_id = '${runId}' and chunk_key <> 'publish' and attempt >= ${attempt}`).catch(() => []); // no ledger yet
  return row?.n ?? 0;
}
/** Waits until an attempt has written its first piece. */
export async function untilMidway(ground: Ground, runId: RunId, attempt = 1): Promise<void> {
  for (const until = Date.now() + 60_000; await pieces(ground, runId, attempt) === 0; await delay(5)) if (Date.now() > until) throw new Error(`run ${runId} never had a piece`);
}
/** Does `work` while a copy stands still in the middle: what was in flight is written, the next piece waits for the ledger. */
export async function whileHeld(ground: Ground, runId: RunId, work: () => Promise<void>): Promise<void> {
  await untilMidway(ground, runId);
  const client = new pg.Client({ connectionString: urlOf(ground.target.postgresUrl, 'warehouse') });
  await client.connect();
  try {
    await client.query('begin; lock table _etl.ledger in share mode');
    expect(await pieces(ground, runId, 1)).toBeLessThan(PIECES);
    await work();
  } finally { await client.end(); }
}
