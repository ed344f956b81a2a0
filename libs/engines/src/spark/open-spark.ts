import type { SparkOptions, SparkSession } from './spark-session.ts';

/** Opens a session. What speaks to Spark (gRPC, protobuf, Arrow) is loaded here and not when a process starts: most never do.
 * @throws EtlError as `SparkSession.open` does */
export async function openSpark(options: SparkOptions): Promise<SparkSession> {
  const { SparkSession } = await import('./spark-session.ts');
  return SparkSession.open(options);
}
