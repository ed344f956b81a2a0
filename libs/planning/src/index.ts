export { type CopyInput, type MapColumn } from './decide.ts';
export { knownKeys } from './files/known-keys.ts';
export { readPipelineFile, readProjectFile } from './files/read-files.ts';
export { type Planned, planCopy } from './plan-copy.ts';
export { digestOf, planHash, receiptBytes } from './plan-hash.ts';
export { type PlanFacts, planView, questionView } from './plan-view.ts';
export { topologicalOrder } from './topology.ts';
export { assertConnector, assertPolicySupported, assertRequestSupported, assertSupported, unsupported } from './unsupported.ts';
export { verifyPlan } from './verify-plan.ts';
