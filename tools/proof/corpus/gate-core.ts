// What reads, checks and prints: bundled once more for each check that is taken out.
export { POLICY_MODEL, POLICY_QUERY, checkExpression, checkQuery, checked, compile, expressionQuery, fuseSteps, identifier, lowerExpression, parserText, printExpression, printQuery, printTransform, readQuery, schemaOf, sqlFor, validateQuery } from '@agent-etl/sql-safety';
export { ATTACKED, attacks, expressionDecisions, modifierDecisions, operatorDecisions, queryDecisions, relationDecisions, spliced } from '@agent-etl/sql-safety/corpus';
import { loadPostgresParser } from '@agent-etl/sql-safety/postgres';
export { readPostgres, verifyPostgres } from '@agent-etl/sql-safety/postgres';
await loadPostgresParser();
