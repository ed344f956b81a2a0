/** Channel of the state database on which workers wake each other: there is a row to claim, or a held row was marked. */
export const TASK_CHANNEL = 'etl_worker_task';
