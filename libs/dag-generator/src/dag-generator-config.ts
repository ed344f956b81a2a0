import { z } from 'zod';

/** Settings of the dag-generator. */
export const dagGeneratorConfig = z.object({
  ETL_DAG_GENERATOR_FOLDER: z.string().min(1).optional().describe('Folder that the Airflow scheduler reads: DAGs of pipelines that run on airflow go there.'),
  ETL_DAG_GENERATOR_PREVIEW_FOLDER: z.string().min(1).optional().describe('Folder for DAGs of pipelines that run on workers, which no scheduler may read; without it they are kept in the database only.'),
  ETL_DAG_GENERATOR_ROOT: z.string().min(1).optional().describe('Folder that a `policy.airflow.folder` is relative to. Without it the policy cannot name a folder, and the folders above count.'),
});
export type DagGeneratorConfig = z.output<typeof dagGeneratorConfig>;
