export { assetName, connectionAddress, datasetUri } from './airflow/asset-uri.ts';
export { type ApprovedPlan, type AssetPair, type DagSpec, type Pace, calm } from './airflow/dag-spec.ts';
export { lintDag } from './airflow/lint-dag.ts';
export { type RenderedDag, renderDag } from './airflow/render-dag.ts';
