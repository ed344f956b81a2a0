import { compile, sqlFor } from '@agent-etl/sql-safety';
import { describeQueryEngine } from './query-engine.contract.ts';
import { SparkSession } from './spark/spark-session.ts';
import { sparkAt } from './spark/testing/spark-harness.ts';

const spark = sqlFor('spark');
describeQueryEngine('spark', async () => {
  const warm = await SparkSession.open({ ...sparkAt(), silenceMs: 90_000 });
  await warm.query(compile(spark`SELECT 1 AS n`));
  await warm.stop();
  return { open: () => SparkSession.open(sparkAt()), slow: spark`SELECT count(*) AS n FROM range(100000) AS a CROSS JOIN range(100000) AS b CROSS JOIN range(1000) AS c WHERE a.id + b.id = c.id`, close: async () => undefined };
});
