/** What can compute steps. */
export const stepEngines = ['duckdb', 'postgres', 'spark'] as const;
export type StepEngine = (typeof stepEngines)[number];
