import { describe } from '@jest/globals';
import type { SparkOptions } from '../spark-session.ts';

/** The Spark Connect server of the tests. */
export const sparkAt = (): SparkOptions => ({ url: process.env['ETL_TEST_SPARK_URL'] ?? '', token: process.env['ETL_TEST_SPARK_TOKEN'] ?? null });

/** A suite against a real Spark, in a file called `*.spark-spec.ts`: only `npm run proof -- spark` runs those, and starts one. */
export function describeSpark(suite: string, body: () => void): void {
  if (!process.env['ETL_TEST_SPARK_URL']) throw new Error('ETL_TEST_SPARK_URL is not set; npm run proof -- spark');
  describe(suite, body);
}
