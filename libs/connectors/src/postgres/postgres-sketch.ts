import { type Column, type DatasetSketch, EtlError, type SketchTask } from '@agent-etl/contracts';
import { type SqlFragment, compile, identifier, literal, sqlFor } from '@agent-etl/sql-safety';
import type { SketchOptions } from '../port.ts';
import { exponentFor } from '../sketch/histogram-rules.ts';
import { type SketchPart, emptyPart, finestFor, measureOf, mergeParts, toldColumns } from '../sketch/sketch-rules.ts';
import { type Asked, sketchPiece } from '../sketch/sketch-sql.ts';
import { describeColumns, fingerprintOf, notFound } from './describe-relation.ts';
import type { PostgresSession } from './postgres-session.ts';
import { type Relation, quoted, relationOf } from './relation-name.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;
/** Pages of one piece, 64 MB: seconds at most, and as much is lost where the bound of time cuts one off. */
const PIECE_PAGES = 8_192;
const LOCK_SECONDS = 5;
const LARGEST = literal('postgres', '1e300');

/** Profiles the values of a table in its server, in pieces. Each has a picture of its own: a profile keeps no vacuum and no change of the table waiting longer than a piece takes, and proves nothing. Pieces are taken from all over the table, so that a bound of time or rows cuts off no end of it.
 * @throws EtlError `source.not-found`, `connection.*`, `query.timeout` when not even one piece was read in time */
export async function sketchRelation(session: PostgresSession, task: SketchTask, { signal, onRows }: SketchOptions): Promise<DatasetSketch> {
  const relation = relationOf(task.source.dataset);
  const stop = (): void => { void session.cancel(); };
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await new Sketching(session, relation, task, { signal, onRows }).run();
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

interface Facts { readonly kind: string; readonly rows: number; readonly pages: string; readonly engine: string }
class Sketching {
  readonly #begunAt = performance.now();
  constructor(private readonly session: PostgresSession, private readonly relation: Relation, private readonly task: SketchTask, private readonly options: SketchOptions) {}

  async run(): Promise<DatasetSketch> {
    const columns = await describeColumns(this.session, this.relation);
    const facts = await this.#facts();
    const pieces = piecesOf(facts);
    const { part, read } = await this.#read(columns, pieces);
    return { ...this.task.source, fingerprint: fingerprintOf(columns), engine: facts.engine, takenAt: new Date().toISOString(), seconds: Math.round(this.#seconds * 1000) / 1000,
      rows: part.rows, ofRows: read === pieces.length ? part.rows : Math.round(Math.max(part.rows, facts.rows, part.rows * pieces.length / read)), whole: read === pieces.length, pieces: read, columns: toldColumns(columns, part) };
  }
  get #seconds(): number { return (performance.now() - this.#begunAt) / 1000; }

  async #facts(): Promise<Facts> {
    const { schema, table } = this.relation;
    const [facts] = await this.session.run<Facts>(compile(sql`SELECT c.relkind AS kind, greatest(c.reltuples, 0)::float8 AS rows,
        CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid) / current_setting('block_size')::int ELSE 0 END AS pages, 'PostgreSQL ' || current_setting('server_version') AS engine
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ${schema} AND c.relname = ${table} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`));
    if (!facts) throw await notFound(this.session, this.relation);
    return facts;
  }
  /** What was merged before a bound was met counts. */
  async #read(columns: readonly Column[], pieces: readonly (Pg | null)[]): Promise<{ part: SketchPart; read: number }> {
    let part = emptyPart(columns);
    for (const [read, where] of pieces.entries()) {
      const left = this.task.most.seconds - this.#seconds;
      if (read > 0 && (left <= 0 || part.rows >= this.task.most.rows)) return { part, read };
      this.options.signal.throwIfAborted();
      const piece = await this.#piece(columns, where, Math.max(1, left)).catch((error: unknown) => {
        if (read > 0 && error instanceof EtlError && error.code === 'query.timeout' && !this.options.signal.aborted) return null;
        throw error;
      });
      if (!piece) return { part, read };
      part = mergeParts(columns, part, piece);
      this.options.onRows(part.rows);
    }
    return { part, read: pieces.length };
  }
  async #piece(columns: readonly Column[], where: Pg | null, seconds: number): Promise<SketchPart> {
    await this.session.run(compile(sql`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`));
    await this.session.run(compile(sql`SET LOCAL lock_timeout = ${literal('postgres', `${LOCK_SECONDS}s`)}`));
    await this.session.run(compile(sql`SET LOCAL statement_timeout = ${literal('postgres', `${Math.ceil(seconds * 1000)}ms`)}`));
    const rows = sql`(SELECT * FROM ${this.relation.name}${where ? sql` WHERE ${where}` : sql``}) AS piece`;
    const part = await sketchPiece({ dialect: 'postgres', columns: columns.map(measured), from: rows, ask: (statement) => this.session.run(compile(statement), { phase: 'profiling', relation: this.relation.text, right: 'SELECT' }) });
    await this.session.run(compile(sql`COMMIT`));
    return part;
  }
}

/** Ranges of pages, those far apart first: 0, 1/2, 1/4, 3/4, 1/8 … Null: the whole relation, where there are no pages to cut. */
function piecesOf({ pages }: Facts): (Pg | null)[] {
  const count = Math.ceil(Number(pages) / PIECE_PAGES);
  if (count <= 1) return [null];
  const edge = (piece: number): Pg => sql`${literal('postgres', `(${piece * PIECE_PAGES},0)`)}::tid`;
  return scattered(count).map((piece) => (piece === count - 1 ? sql`ctid >= ${edge(piece)}` : sql`ctid >= ${edge(piece)} AND ctid < ${edge(piece + 1)}`));
}
/** 0 … count-1 by the reversed bits of their places. */
function scattered(count: number): number[] {
  const bits = Math.ceil(Math.log2(count));
  const reversed = (place: number): number => Array.from({ length: bits }, (_, bit) => (place >> bit) & 1).reduce((sum, bit) => sum * 2 + bit, 0);
  return Array.from({ length: 2 ** bits }, (_, place) => reversed(place)).filter((piece) => piece < count);
}

/** `ctid` is a column of a table, but not of a subquery: the rows of a piece have only the columns that are listed here. */
function measured({ name, type: { kind } }: Column): Asked<'postgres'>['columns'][number] {
  const cell = sql`${identifier(name)}`;
  const exponent = (ends: { low: number; high: number }): number => exponentFor(ends, finestFor(kind));
  const text = kind === 'dec' ? sql`trim_scale(${cell})::text` : sql`${cell}::text`;
  return { cell, ...scaled(cell, kind), exponent, hash: sql`hashtextextended(${text} COLLATE "C", 0)` };
}
/** Where a value lies, and what is shown of the ends. Of texts, documents and bytes only lengths. */
function scaled(cell: Pg, kind: Column['type']['kind']): { shown: Pg; at: Pg } {
  switch (measureOf(kind)) {
    case 'none': return { shown: sql`NULL::text`, at: sql`NULL::float8` };
    case 'length': { const length = kind === 'bytes' ? sql`octet_length(${cell})` : sql`char_length(${cell}::text)`; return { shown: length, at: sql`${length}::float8` }; }
    case 'seconds': return kind === 'time' ? { shown: cell, at: sql`extract(epoch FROM ${cell})::float8` } : { shown: cell, at: sql`CASE WHEN isfinite(${cell}) THEN extract(epoch FROM ${cell})::float8 END` };
    case 'value': {
      if (kind === 'bool') return { shown: sql`${cell}::int`, at: sql`${cell}::int::float8` };
      if (kind === 'dec' || kind === 'f32' || kind === 'f64') {
        const type = kind === 'dec' ? sql`numeric` : sql`float8`;
        return { shown: cell, at: sql`CASE WHEN ${cell} BETWEEN (-(${LARGEST}::${type})) AND ${LARGEST}::${type} THEN ${cell}::float8 END` };
      }
      return { shown: cell, at: sql`${cell}::float8` };
    }
  }
}
