import type { LoadTask } from '@agent-etl/contracts';
import { type SqlFragment, identifier, joinSql, printTransform, sqlFor } from '@agent-etl/sql-safety';
import type { Relation } from './relation-name.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;
const column = (name: string): Pg => sql`${identifier(name)}`;

/** The rows that travel, as a FROM list: those of the table, or what the steps make of them.
 * @param where part of the table, with its WHERE, or nothing */
export function rowsOf({ transform }: Pick<LoadTask, 'transform'>, { relation, where }: { readonly relation: Relation; readonly where: Pg }): Pg {
  if (!transform) return sql`${relation.name}${where}`;
  const { values, where: stays } = printTransform('postgres', transform, column);
  const list = joinSql(values.map(({ name, value }) => sql`${value} AS ${identifier(name)}`), sql`, `);
  return sql`(SELECT ${list} FROM (SELECT * FROM ${relation.name}${where}) AS source${stays ? sql` WHERE ${stays}` : sql``}) AS rows`;
}

/** A statement that counts the rows that the steps leave out, or null where they leave none out. */
export function countLeftOut({ transform }: Pick<LoadTask, 'transform'>, { relation, where }: { readonly relation: Relation; readonly where: Pg }): Pg | null {
  const stays = transform ? printTransform('postgres', transform, column).where : null;
  return stays && sql`SELECT count(*) AS n FROM (SELECT * FROM ${relation.name}${where}) AS source WHERE (${stays}) IS NOT TRUE`;
}
