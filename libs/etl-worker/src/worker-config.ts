import type { SparkPlace } from '@agent-etl/connectors';
import { EtlError, SecretRef, noClimbing } from '@agent-etl/contracts';
import { secretsConfig } from '@agent-etl/secrets';
import { isAbsolute } from 'node:path';
import { z } from 'zod';

/** Environment of an etl-worker: its own slice, and those of the libs it opens. */
export const etlWorkerConfig = secretsConfig.safeExtend({
  ETL_ETL_WORKER_SLOTS: z.coerce.number().int().min(0).max(64).default(2).describe('Tasks that one worker runs at once. With 0 it only takes tasks in, for others to claim.'),
  ETL_ETL_WORKER_LEASE_MS: z.coerce.number().int().min(300).max(600_000).default(15_000)
    .describe('Milliseconds without a beat after which a task counts as lost. A beat is sent every third of it.'),
  ETL_ETL_WORKER_KEPT_HOURS: z.coerce.number().int().min(1).max(87_600).default(168)
    .describe('Hours for which workers remember a task after its end: its attempts, the cut of its load, the ledger of its file.'),
  ETL_ETL_WORKER_SCRATCH: z.string().optional().describe('Folder for FIFOs and spill; a folder of its own below the system temp folder when left out.'),
  ETL_ETL_WORKER_ENGINE_MEMORY_MB: z.coerce.number().int().min(192).max(1_048_576).default(512)
    .describe('Mebibytes of buffers of each DuckDB that an attempt starts; what needs more goes to the scratch folder. Less than 192 does not hold the buffers that a CSV is read through. Its process takes about 100 MB beside them, and each slot may have one.'),
  ETL_ENGINES_SPARK_URL: z.string().optional().describe('Spark Connect server for steps that a pipeline gives it with engine: spark, or that outgrow the memory of a worker, such as sc://spark.internal:15002, or sc://spark.internal:443/;use_ssl=true; without it such steps are refused.'),
  ETL_ENGINES_SPARK_TOKEN: SecretRef.superRefine(noClimbing).optional().describe('Reference of its bearer token, such as secret://spark#token; a server without one takes statements from anybody who reaches it.'),
  ETL_ENGINES_SPARK_FOLDER: z.string().optional().describe('Absolute folder where Parquet is handed over, under the same path on the workers and on every machine of Spark.'),
  ETL_CONNECTORS_FILE_ROOTS: z.string().default('').describe('Folders that file connections may lie below, parted by colons; none when left out.'),
});
export type EtlWorkerConfig = z.output<typeof etlWorkerConfig>;

/** The allowed folders of file connections, in their order. */
export const fileRootsOf = (config: EtlWorkerConfig): string[] => config.ETL_CONNECTORS_FILE_ROOTS.split(':').filter((root) => root !== '');

/** Where steps are computed that a pipeline gives to Spark, or null where none is configured.
 * @throws EtlError `config.invalid` for an address without a folder, or a folder that is not absolute */
export function sparkPlaceOf({ ETL_ENGINES_SPARK_URL: url, ETL_ENGINES_SPARK_TOKEN: token, ETL_ENGINES_SPARK_FOLDER: folder }: Pick<EtlWorkerConfig, 'ETL_ENGINES_SPARK_URL' | 'ETL_ENGINES_SPARK_TOKEN' | 'ETL_ENGINES_SPARK_FOLDER'>): SparkPlace | null {
  if (url === undefined) return null;
  if (folder === undefined || !isAbsolute(folder)) throw new EtlError('config.invalid', { problems: 'ETL_ENGINES_SPARK_URL needs ETL_ENGINES_SPARK_FOLDER, an absolute folder' });
  return { url, token: token ?? null, folder };
}
