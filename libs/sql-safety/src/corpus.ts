export { ATTACKED, type Attack, attacks, spliced } from './corpus/attacks.ts';
export { expressionDecisions, modifierDecisions, operatorDecisions, queryDecisions, relationDecisions } from './frontends/duckdb/node-decisions.ts';
export { schemaOf } from './query/schema-file.ts';
