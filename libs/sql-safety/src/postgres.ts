export { readPostgres, verifyPostgres } from './verify/verify-postgres.ts';
