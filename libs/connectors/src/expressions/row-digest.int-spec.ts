import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ColumnType } from '@agent-etl/contracts';
import { DuckChild } from '@agent-etl/engines';
import { type SqlFragment, compile, literal, nativeOf, rowDigest, sqlFor, typeName } from '@agent-etl/sql-safety';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresSession } from '../postgres/postgres-session.ts';
import { aDatabase, connectionTo, describeServer, testTools } from '../postgres/testing/postgres-harness.ts';

describeServer('a decimal has one digest in DuckDB and in PostgreSQL', (adminUrl) => {
  let scratch: string;
  let drop: () => Promise<void>;
  let duck: DuckChild;
  let postgres: PostgresSession;
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'digests-'));
    drop = await aDatabase(adminUrl, 't_row_digest');
    duck = await DuckChild.start({ about: 'digests', scratch });
    postgres = await PostgresSession.connect(connectionTo(adminUrl, 't_row_digest'), { tools: testTools('digests') });
  });
  afterAll(async () => { await postgres.end(); await duck.stop(); await drop(); await rm(scratch, { recursive: true }); });

  const digest = <D extends 'duckdb' | 'postgres'>(dialect: D, type: ColumnType, value: string): SqlFragment<D> => {
    const sql = sqlFor(dialect);
    return sql`SELECT ${rowDigest(dialect, [{ name: 'v', type }], 'k') as SqlFragment<D>} FROM (SELECT CAST(${literal(dialect, value)} AS ${typeName(dialect, nativeOf(dialect, type)!)}) AS v) AS rows`;
  };
  it.each<[string, number, number]>([['0.50', 2, 2], ['-0.05', 2, 2], ['0.00', 2, 2], ['0.5', 3, 1], ['12', 5, 0], [`-0.${'9'.repeat(38)}`, 38, 38]])('%s as decimal(%i,%i)', async (value, precision, scale) => {
    const type: ColumnType = { kind: 'dec', precision, scale };
    const [[a], [b]] = await Promise.all([duck.query(compile(digest('duckdb', type, value))), postgres.run<Record<string, unknown>>(compile(digest('postgres', type, value)))]);
    expect([a?.['a'], a?.['b']]).toEqual([b?.['a'], b?.['b']]);
  });
});
