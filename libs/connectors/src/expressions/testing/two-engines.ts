import type { ColumnType } from '@agent-etl/contracts';
import { DuckChild } from '@agent-etl/engines';
import { type ExprDialect, type SqlFragment, compile, identifier, keyPlaces, sqlFor, typeName } from '@agent-etl/sql-safety';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { padsOf } from '../../masks/mask-keys.ts';
import { PostgresSession } from '../../postgres/postgres-session.ts';
import { aDatabase, connectionTo, testTools } from '../../postgres/testing/postgres-harness.ts';
import { FORGED_KEY } from '../forge.ts';

/** A value as text; engines spell bytes differently. */
export function told<D extends ExprDialect>(dialect: D, value: SqlFragment<D>, { kind }: ColumnType): SqlFragment<D> {
  const sql = sqlFor(dialect);
  if (kind !== 'bytes') return sql`CAST(${value} AS ${typeName(dialect, dialect === 'duckdb' ? 'VARCHAR' : 'text')})`;
  return dialect === 'duckdb' ? sql`lower(hex(${value}))` : sql`encode(${value}, 'hex')`;
}
/** Both engines know the key of forged masks. */
async function giveForgedKey(duck: DuckChild, postgres: PostgresSession): Promise<void> {
  const [places, pads] = [keyPlaces(FORGED_KEY), padsOf(Buffer.from('forged-key-of-these-tests'))];
  for (const side of ['inner', 'outer'] as const) {
    await postgres.run(compile(sqlFor('postgres')`SELECT set_config(${places[side]}, ${pads[side]}, false)`));
    await duck.query(compile(sqlFor('duckdb')`SET VARIABLE ${identifier(places[side])} = ${pads[side]}`));
  }
}

/** DuckDB and a database of its own on the test server, which both know the key of forged masks. */
export interface TwoEngines { readonly duck: DuckChild; readonly postgres: PostgresSession; end(): Promise<void> }
/** @param about names the folder, the database and the sessions of one suite */
export async function twoEngines(adminUrl: string, about: string): Promise<TwoEngines> {
  const scratch = await mkdtemp(join(tmpdir(), `${about}-`));
  const drop = await aDatabase(adminUrl, `t_${about}`);
  const duck = await DuckChild.start({ about, scratch });
  const postgres = await PostgresSession.connect(connectionTo(adminUrl, `t_${about}`), { tools: testTools(about) });
  await giveForgedKey(duck, postgres);
  return { duck, postgres, end: async () => { await postgres.end(); await duck.stop(); await drop(); await rm(scratch, { recursive: true }); } };
}
