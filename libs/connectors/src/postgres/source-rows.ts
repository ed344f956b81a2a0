import type { LoadTask } from '@agent-etl/contracts';
import { type PrintedCombining, type PrintedTransform, type SqlFragment, compile, identifier, joinSql, printTransform, sqlFor } from '@agent-etl/sql-safety';
import { verifyPostgresSteps } from '@agent-etl/sql-safety/postgres';
import { type Relation, relationOf } from './relation-name.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;
/** @property where part of the table, with its WHERE, or nothing */
interface Part { readonly relation: Relation; readonly where: Pg }
const printed = (transform: NonNullable<LoadTask['transform']>, { relation, where }: Part): PrintedTransform<'postgres'> =>
  printTransform('postgres', transform, { from: sql`(SELECT * FROM ${relation.name}${where}) AS source`, column: (name) => sql`source.${identifier(name)}`,
    inputs: (transform.inputs ?? []).map(({ source }) => ({ from: sql`(SELECT * FROM ${relationOf(source.dataset).name}) AS other`, column: (name) => sql`other.${identifier(name)}` })) });

/** The rows that travel, as a FROM list: those of the table, or what the steps make of them. */
export function rowsOf({ transform }: Pick<LoadTask, 'transform'>, part: Part): Pg {
  if (!transform) return sql`${part.relation.name}${part.where}`;
  const { rows, names } = printed(transform, part);
  return sql`(SELECT ${joinSql(names.map((name, index) => sql`${identifier(`c${index}`)} AS ${identifier(name)}`), sql`, `)} FROM (${rows}) AS stages) AS rows`;
}
/** A statement that counts the rows that the steps see and those that their filters keep. */
export const reachingOf = (transform: NonNullable<LoadTask['transform']>, part: Part): Pg => printed(transform, part).reaching;
/** Statements that count what each join and union does. */
export const combiningOf = (transform: NonNullable<LoadTask['transform']>, part: Part): readonly PrintedCombining<'postgres'>[] => printed(transform, part).combining;
/** Reads a statement with a query of a person with PostgreSQL's own parser, before it is run: what it reads is the datasets of the pipeline.
 * @throws SqlSafetyError `SQL_RENDER_MISMATCH` */
export async function readAgain(transform: LoadTask['transform'], relation: Relation): Promise<void> {
  if (!transform?.stages.some(({ op }) => op === 'query')) return;
  const named = [relation, ...(transform.inputs ?? []).map(({ source }) => relationOf(source.dataset))];
  const { rows, combining } = printed(transform, { relation, where: sql`` });
  const names = named.map(({ schema, table }) => `${schema}.${table}`);
  await verifyPostgresSteps(compile(rows), names);
  // What counts reads no more than that; a join that stands before some dataset does not read it.
  for (const { counted } of combining) await verifyPostgresSteps(compile(counted), names, 'no others');
}
