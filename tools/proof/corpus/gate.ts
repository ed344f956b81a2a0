// The gate as the proof of it sees it, with the parser that reads for it.
export { ParserChild, QueryParser } from '@agent-etl/engines';
export { ATTACKED, POLICY_MODEL, POLICY_QUERY, attacks, checkExpression, checkQuery, checked, compile, expressionDecisions, expressionQuery, fuseSteps, identifier, lowerExpression, modifierDecisions, operatorDecisions, parserText, printExpression, printQuery, printTransform, queryDecisions, readPostgres, readQuery, relationDecisions, schemaOf, spliced, sqlFor, validateQuery, verifyPostgres } from './gate-core.ts';
