import { describe, it } from '@jest/globals';
import type { SparkOptions } from '../spark-session.ts';

/** The Spark Connect server of the tests. */
export const sparkAt = (): SparkOptions => ({ url: process.env['ETL_TEST_SPARK_URL'] ?? '', token: process.env['ETL_TEST_SPARK_TOKEN'] ?? null });

/** A suite against a real Spark. It is the part `spark` of `npm run proof` that starts one; without one the suite says so and is counted as skipped. */
export function describeSpark(suite: string, body: () => void): void {
  if (process.env['ETL_TEST_SPARK_URL']) { describe(suite, body); return; }
  process.stdout.write(`SKIPPED ${suite}: ETL_TEST_SPARK_URL is not set; npm run proof -- spark\n`);
  describe.skip(suite, () => { it('needs a Spark', () => undefined); });
}
