import type { Digest, PublishTask } from '@agent-etl/contracts';
import { type SqlFragment, type SqlIdentifier, compile, identifier, joinSql, literal, sqlFor } from '@agent-etl/sql-safety';
import type { PostgresSession } from './postgres-session.ts';
import type { BucketSample, BucketSum } from '../port.ts';
import { type DigestInput, stagedValue, textDigest, textSample } from './text-digest.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;
/** Below this one connection reads a table back faster than two. */
const SMALL_PAGES = 512;
const tid = (page: number): Pg => sql`${literal('postgres', `(${page},0)`)}::tid`;
const nowhere = { write: () => true, drained: async () => undefined };

/** @property said the dataset as a user types it, for errors · `lanes` connections that may read at once · `done` takes back what `connect` gave */
export interface TableOf { readonly table: SqlIdentifier; readonly schema: string; readonly name: string; readonly said: string; readonly connect: () => Promise<PostgresSession>; readonly done: (session: PostgresSession) => Promise<void>; readonly signal: AbortSignal; readonly lanes: number;
  /** Which rows count; all when left out. */
  readonly only?: Pg | undefined }

/** Digest of every row of a table that a load has filled, staging or the target itself, over the columns of the target. */
export const digestOfTable = (task: PublishTask, of: TableOf): Promise<Digest> => (task.digest === 'text-md5' ? ofTexts(task, of) : ofFrames(task, of));

/** The same of any rows, inside the transaction of a session: what it has written and nobody else can see yet. */
export async function digestWithin(session: PostgresSession, { columns, engine, digest }: PublishTask, { from, said }: { from: Pg; said: string }): Promise<Digest> {
  if (digest === 'text-md5') return textDigest(session, { values: columns.map((column) => ({ value: stagedValue(column, engine), type: column.type })), from, phase: 'proving' });
  const copy = await session.copyOut(compile(sql`COPY (SELECT ${joinSql(columns.map(({ target }) => sql`${identifier(target)}`), sql`, `)} FROM ${from}) TO STDOUT (FORMAT binary)`), 'hash');
  try {
    const { rows, lanes } = await copy.pump({ to: nowhere, signal: new AbortController().signal, stop: () => undefined });
    return { kind: 'pg-frame', rows, ...lanes };
  } catch (error) {
    throw session.failure(error, { phase: 'proving', relation: said, right: 'SELECT' });
  }
}

/** Two connections over the halves of a table; the first is the one that asked for its size. */
async function ofFrames(task: PublishTask, of: TableOf): Promise<Digest> {
  const session = await of.connect();
  const middle = Math.floor(await pagesOf(session, of) / 2);
  const counts = of.only ?? sql`true`;
  const halves = middle < SMALL_PAGES || of.lanes < 2 ? [sql` WHERE ${counts}`] : [sql` WHERE ${counts} AND ctid < ${tid(middle)}`, sql` WHERE ${counts} AND ctid >= ${tid(middle)}`];
  const parts = await Promise.all(halves.map((half, index) => walk(task, half, index === 0 ? { ...of, connect: async () => session } : of)));
  return parts.reduce((sum, part) => ({ kind: 'pg-frame', rows: sum.rows + part.rows, a: String(BigInt(sum.a) + BigInt(part.a)), b: String(BigInt(sum.b) + BigInt(part.b)) }));
}
async function pagesOf(session: PostgresSession, { schema, name }: TableOf): Promise<number> {
  try {
    const [size] = await session.run<{ pages: string }>(compile(sql`SELECT pg_relation_size(c.oid) / current_setting('block_size')::int AS pages
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ${schema} AND c.relname = ${name} AND c.relkind = 'r'`));
    return Number(size?.pages ?? 0);
  } catch (error) {
    session.destroy();
    throw error;
  }
}
async function walk({ columns }: PublishTask, half: Pg, { table, said, connect, done, signal }: TableOf): Promise<Digest> {
  const session = await connect();
  try {
    const copy = await session.copyOut(compile(sql`COPY (SELECT ${joinSql(columns.map(({ target }) => sql`${identifier(target)}`), sql`, `)} FROM ${table}${half}) TO STDOUT (FORMAT binary)`), 'hash');
    const { rows, lanes } = await copy.pump({ to: nowhere, signal, stop: () => { void session.cancel().finally(() => { session.destroy(); }); } });
    return { kind: 'pg-frame', rows, ...lanes };
  } catch (error) {
    session.destroy();
    throw signal.aborted ? signal.reason : session.failure(error, { phase: 'proving', relation: said, right: 'SELECT' });
  } finally {
    await done(session);
  }
}
const ofTexts = (task: PublishTask, of: TableOf): Promise<Digest> => hashing(task, of, textDigest);
/** Sums of the sampled rows of such a table, by bucket. */
export const sampleOfTable = (task: PublishTask, of: TableOf, sample: BucketSample): Promise<BucketSum[]> => hashing(task, of, (session, input) => textSample(session, input, sample));

async function hashing<T>({ columns, engine }: PublishTask, { table, said, connect, done, signal, only = sql`true` }: TableOf, hash: (session: PostgresSession, input: DigestInput) => Promise<T>): Promise<T> {
  const session = await connect();
  const stop = (): void => { void session.cancel(); };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const values = columns.map((column) => ({ value: stagedValue(column, engine), type: column.type }));
    return await hash(session, { values, from: sql`${table} WHERE ${only}`, phase: 'proving' });
  } catch (error) {
    throw signal.aborted ? signal.reason : session.failure(error, { phase: 'proving', relation: said, right: 'SELECT' });
  } finally {
    signal.removeEventListener('abort', stop);
    await done(session);
  }
}
