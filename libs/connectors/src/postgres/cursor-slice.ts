import { createHash } from 'node:crypto';
import { type Slice as BackfillSlice, type Cursor, EtlError, type LoadTask } from '@agent-etl/contracts';
import { type SqlFragment, compile, identifier, joinSql, literal, sqlFor, typeName } from '@agent-etl/sql-safety';
import type { ChunkRange } from '../port.ts';
import type { PostgresSession } from './postgres-session.ts';
import { type Relation, quoted } from './relation-name.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;
const TYPES = { ts: 'timestamp', tstz: 'timestamptz' } as const;
/** Width of a row where nobody has analysed the table. */
const USUAL_WIDTH = 100;
/** A time without a zone may be that of the westernmost one: so far behind UTC its clock may be. */
const WESTERNMOST = sql`interval '12 hours'`;

/** Rows of one piece of a slice. Values travel as the server spelled them: a JavaScript date would cut microseconds, and rows with them. */
export function withinSlice({ from, to }: Pick<ChunkRange, 'from' | 'to'>, { column, kind }: Pick<Cursor, 'column' | 'kind'>): Pg {
  const value = (text: string): Pg => sql`${literal('postgres', text)}::${typeName('postgres', TYPES[kind])}`;
  const parts = [...(from === null ? [] : [sql`${identifier(column)} >= ${value(from)}`]), ...(to === null ? [] : [sql`${identifier(column)} < ${value(to)}`])];
  return parts.length ? sql` WHERE ${joinSql(parts, sql` AND `)}` : sql``;
}

interface Slice { readonly session: PostgresSession; readonly relation: Relation; readonly task: LoadTask; readonly cursor: Cursor }
/** Cuts what changed since a position into pieces of about the planned size, each at a value of the cursor: rows with one value stay together. The picture
 * is the upper bound, so the last piece is open. */
export async function cutSlice({ session, relation, task, cursor }: Slice, { since, fingerprint }: { since: string; fingerprint: string }): Promise<ChunkRange[]> {
  const from = await beginOf(session, cursor, since);
  return cutBetween({ session, relation, task, cursor }, { from, to: null, fingerprint });
}
/** The slice of a backfill, likewise; its end is fixed. Instants are spelled as the server spells them, so that equal slices have equal keys. */
export async function cutBackfill({ session, relation, task }: Omit<Slice, 'cursor'>, slice: BackfillSlice, fingerprint: string): Promise<ChunkRange[]> {
  const type = typeName('postgres', TYPES[slice.kind]);
  const [ends] = await session.run<{ from: string; to: string }>(compile(sql`SELECT (${slice.from}::${type})::text AS from, (${slice.to}::${type})::text AS to`));
  return cutBetween({ session, relation, task, cursor: slice }, { ...ends!, fingerprint });
}
interface Bounds { readonly from: string; readonly to: string | null; readonly fingerprint: string }
async function cutBetween({ session, relation, task, cursor }: Omit<Slice, 'cursor'> & { readonly cursor: Pick<Cursor, 'column' | 'kind'> }, { from: begin, to: end, fingerprint }: Bounds): Promise<ChunkRange[]> {
  const column = identifier(cursor.column);
  const rows = Math.max(1, Math.floor(task.chunks.targetBytes / await rowWidth(session, relation)));
  const within = sql`FROM ${relation.name}${withinSlice({ from: begin, to: end }, cursor)}`;
  const about = { relation: relation.text, right: 'SELECT', phase: 'cutting' } as const;
  // Most slices are one piece: to know that costs half of what numbering their rows does.
  const [most] = await session.run<{ n: string }>(compile(sql`SELECT count(*) AS n FROM (SELECT ${within} LIMIT ${rows + 1}::bigint) AS first_rows`), about);
  const found = Number(most?.n) <= rows ? [] : await session.run<{ value: string }>(compile(sql`SELECT bound::text AS value FROM (SELECT DISTINCT bound FROM (SELECT ${column} AS bound, row_number() OVER (ORDER BY ${column}) - 1 AS n
    ${within}) AS slice WHERE n > 0 AND n % ${rows}::bigint = 0) AS bounds ORDER BY bound`), about);
  const bounds = [begin, ...found.map(({ value }) => value).filter((value) => value !== begin)];
  return bounds.map((from, ordinal): ChunkRange => {
    const to = bounds[ordinal + 1] ?? end;
    return { ordinal, from, to, key: createHash('sha256').update(JSON.stringify([task.source.dataset, fingerprint, cursor.column, from, to])).digest('hex') };
  });
}
/** Where reading begins: the position, less the overlap. @throws EtlError `request.conflict` when the position is no time of this column */
async function beginOf(session: PostgresSession, { kind, overlapSeconds, pipeline }: Cursor, since: string): Promise<string> {
  try {
    const [row] = await session.run<{ value: string }>(compile(sql`SELECT (${since}::${typeName('postgres', TYPES[kind])} - make_interval(secs => ${overlapSeconds}))::text AS value`));
    return row!.value;
  } catch (cause) {
    if (!(cause instanceof EtlError) || cause.code !== 'data.value-out-of-range') throw cause;
    throw new EtlError('request.conflict', { what: `the position of ${pipeline}`, state: 'no time', action: 'reading from it', next: 'load: replace reads everything again' }, { cause });
  }
}
async function rowWidth(session: PostgresSession, relation: Relation): Promise<number> {
  const [size] = await session.run<{ width: number | null }>(compile(sql`SELECT pg_relation_size(oid)::float8 / nullif(greatest(reltuples, 0), 0)::float8 AS width FROM pg_class WHERE oid = to_regclass(${quoted(relation)})`));
  return Math.max(1, size?.width ?? USUAL_WIDTH);
}

/** The position of who has read the whole picture. Never ahead of the source's clock: one row of next year would hide all that comes until then. */
export async function reachOf({ session, relation, cursor: { column, kind } }: Slice): Promise<string | null> {
  const clock = kind === 'tstz' ? sql`now()` : sql`now() AT TIME ZONE 'UTC' - ${WESTERNMOST}`;
  const [row] = await session.run<{ value: string | null }>(compile(sql`SELECT CASE WHEN newest IS NOT NULL THEN least(newest, ${clock})::text END AS value
    FROM (SELECT max(${identifier(column)}) AS newest FROM ${relation.name}) AS source`), { relation: relation.text, right: 'SELECT', phase: 'reading' });
  return row?.value ?? null;
}
