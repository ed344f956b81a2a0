import type { ColumnType } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import { type ExprDialect, type SqlFragment, compile, identifier, keyPlaces, sqlFor, typeName } from '@agent-etl/sql-safety';
import { padsOf } from '../../masks/mask-keys.ts';
import type { PostgresSession } from '../../postgres/postgres-session.ts';
import { FORGED_KEY } from '../forge.ts';

/** A value as text; engines spell bytes differently. */
export function told<D extends ExprDialect>(dialect: D, value: SqlFragment<D>, { kind }: ColumnType): SqlFragment<D> {
  const sql = sqlFor(dialect);
  if (kind !== 'bytes') return sql`CAST(${value} AS ${typeName(dialect, dialect === 'duckdb' ? 'VARCHAR' : 'text')})`;
  return dialect === 'duckdb' ? sql`lower(hex(${value}))` : sql`encode(${value}, 'hex')`;
}
/** Both engines know the key of forged masks. */
export async function giveForgedKey(duck: DuckChild, postgres: PostgresSession): Promise<void> {
  const [places, pads] = [keyPlaces(FORGED_KEY), padsOf(Buffer.from('forged-key-of-these-tests'))];
  for (const side of ['inner', 'outer'] as const) {
    await postgres.run(compile(sqlFor('postgres')`SELECT set_config(${places[side]}, ${pads[side]}, false)`));
    await duck.query(compile(sqlFor('duckdb')`SET VARIABLE ${identifier(places[side])} = ${pads[side]}`));
  }
}
