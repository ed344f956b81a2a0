export { loadPostgresParser, readPostgres, verifyPostgres, verifyPostgresSteps } from './verify/verify-postgres.ts';
