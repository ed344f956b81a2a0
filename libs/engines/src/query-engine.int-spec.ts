import { compile, sqlFor } from '@agent-etl/sql-safety';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckChild } from './duckdb/duck-child.ts';
import { describeQueryEngine } from './query-engine.contract.ts';
import { SparkSession } from './spark/spark-session.ts';
import { describeSpark, sparkAt } from './spark/testing/spark-harness.ts';

const duck = sqlFor('duckdb');
describeQueryEngine('duckdb', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'query-engine-'));
  return { open: () => DuckChild.start({ about: 'a statement', scratch }), slow: duck`SELECT count(*) AS n FROM range(100000) AS a, range(100000) AS b, range(1000) AS c WHERE a.range + b.range = c.range`, close: () => rm(scratch, { recursive: true, force: true }) };
});

const spark = sqlFor('spark');
describeSpark('the contract of query engines', () => {
  describeQueryEngine('spark', async () => {
    const warm = await SparkSession.open({ ...sparkAt(), silenceMs: 90_000 });
    await warm.query(compile(spark`SELECT 1 AS n`));
    await warm.stop();
    return { open: () => SparkSession.open(sparkAt()), slow: spark`SELECT count(*) AS n FROM range(100000) AS a CROSS JOIN range(100000) AS b CROSS JOIN range(1000) AS c WHERE a.id + b.id = c.id`, close: async () => undefined };
  });
});
