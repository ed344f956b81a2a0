import { type Cursor, EtlError, MaskKeys, type Position, type Span } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import type { PostgresSession } from './postgres-session.ts';
import { type Relation, quoted } from './relation-name.ts';
import { PUBLISH_KEY } from './sink-ledger.ts';

const sql = sqlFor('postgres');

/** How far each pipeline has read its source, beside the rows that it has written. A position belongs to the table that it was made with: one that was dropped
 * and made again has none. */
export class SinkPosition {
  constructor(private readonly relation: Relation) {}

  /** What a profile tells of a target. Nothing where there is no such table yet, or where this login may not look. */
  async list(session: PostgresSession): Promise<Position[]> {
    const [there] = await session.run<{ yes: boolean | null }>(compile(sql`SELECT has_table_privilege(to_regclass('_etl.position'), 'SELECT') AS yes`));
    if (!there?.yes) return [];
    return session.run<Position>(compile(sql`SELECT pipeline, scope, value FROM _etl.position WHERE target = ${this.relation.text} AND relation = to_regclass(${quoted(this.relation)}) ORDER BY pipeline`));
  }
  /** Before columns were added, a position holds for those that there were. */
  async find(session: PostgresSession, { pipeline, scope, formerScope = scope }: Cursor): Promise<string | null> {
    const [row] = await session.run<{ value: string }>(compile(sql`SELECT value FROM _etl.position
      WHERE target = ${this.relation.text} AND pipeline = ${pipeline} AND scope = ${formerScope} AND relation = to_regclass(${quoted(this.relation)})`));
    return row?.value ?? null;
  }
  /** Which keys the run had that brought the target there: its row in the ledger says it. Null where it had none, and of a run of a release that did not know. */
  async maskedUnder(session: PostgresSession, { pipeline }: Cursor, task: string): Promise<MaskKeys | null> {
    const [row] = await session.run<{ keys: unknown }>(compile(sql`SELECT l.published -> 'maskKeys' AS keys FROM _etl.position p JOIN _etl.ledger l ON l.run_id = p.run_id AND l.task = ${task} AND l.chunk_key = ${PUBLISH_KEY}
      WHERE p.target = ${this.relation.text} AND p.pipeline = ${pipeline} AND p.relation = to_regclass(${quoted(this.relation)})`));
    return MaskKeys.nullable().parse(row?.keys ?? null);
  }
  /** Older rows must not be merged over newer ones: what was read from an earlier position than the target has by now is not published.
   * @throws EtlError `request.conflict` */
  async mustBe(session: PostgresSession, cursor: Cursor, from: string | null): Promise<void> {
    if (await this.find(session, cursor) === from) return;
    throw new EtlError('request.conflict', { what: `the position of ${cursor.pipeline} in ${this.relation.text}`, state: 'another by now', action: 'publishing what was read from the old one', next: 'run the pipeline again: it reads from where the target is' });
  }
  /** An empty source reaches nothing: the position stays. */
  async move(session: PostgresSession, { pipeline, scope }: Cursor, { to, runId }: { to: Span['to']; runId: string }): Promise<void> {
    if (to === null) return;
    await session.run(compile(sql`INSERT INTO _etl.position AS p (target, pipeline, scope, relation, value, run_id) SELECT ${this.relation.text}, ${pipeline}, ${scope}, to_regclass(${quoted(this.relation)}), ${to}, ${runId}
      ON CONFLICT (target, pipeline) DO UPDATE SET scope = excluded.scope, relation = excluded.relation, value = excluded.value, run_id = excluded.run_id, moved_at = clock_timestamp()`));
  }
  /** All rows were replaced: what other pipelines had brought is gone. */
  async forgetAll(session: PostgresSession): Promise<void> { await session.run(compile(sql`DELETE FROM _etl.position WHERE target = ${this.relation.text}`)); }
}
