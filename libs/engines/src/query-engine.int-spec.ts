import { sqlFor } from '@agent-etl/sql-safety';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckChild } from './duckdb/duck-child.ts';
import { describeQueryEngine } from './query-engine.contract.ts';

const duck = sqlFor('duckdb');
describeQueryEngine('duckdb', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'query-engine-'));
  return { open: () => DuckChild.start({ about: 'a statement', scratch }), slow: duck`SELECT count(*) AS n FROM range(100000) AS a, range(100000) AS b, range(1000) AS c WHERE a.range + b.range = c.range`, close: () => rm(scratch, { recursive: true, force: true }) };
});
