import { types } from 'node:util';
import { EtlError, type Failure } from '@agent-etl/contracts';
import { relationOf } from './relation-name.ts';

/** Where an error came from: it decides the words. */
export interface FailureContext {
  readonly connection: string; readonly address: string; readonly user: string; readonly database: string;
  /** What was going on, in a word or two. */
  readonly phase: string;
  /** The relation it was about, as a user types it. */
  readonly relation?: string | undefined;
  /** What a missing right would need. */
  readonly right?: TableRight | 'ALTER' | 'CREATE' | 'CREATE SCHEMA' | 'LEDGER' | undefined;
}
export type TableRight = 'SELECT' | 'INSERT' | 'UPDATE' | 'TRUNCATE' | 'DELETE';
interface PgError { readonly code?: string; readonly message: string; readonly where?: string; readonly constraint?: string; readonly column?: string; readonly detail?: string }

const AWAY = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ENOENT', '57P03', '53300']);
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END', '57P01', '57P02', '57P05', '08006', '08003', '08000', '25P03']);
const MISFIT = new Set(['22003', '22001', '22P02', '22P03', '22P04', '22P05', '22007', '22008', '22021', '22000', '22P06', '23502']);
const CONSTRAINT = new Set(['23505', '23503', '23514', '23P01', '23001']);
/** Verdicts of Node on the certificate of the other side. */
const UNTRUSTED = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)|CERT_\w+|ERR_TLS_CERT_\w+)$/;
const SAYS_NO_TLS = /does not support SSL/i;
/** What this server or this object does not do, whoever asks. Its words are about names and types, never about rows. */
const NOT_DONE = /^(428C9|42809|42P16|55000|0A000|54\d{3})$/;
/** Words of errors that carry no code. */
const SAYS_AWAY = /timeout expired|connect timeout|Connection terminated due to connection timeout/i;
const SAYS_NO_PASSWORD = /client password must be|no password supplied/i;
/** Of a value of more than 1 GB: the server has no code for it. */
const SAYS_TOO_LONG = /invalid memory alloc request size/;
const SAYS_BROKEN = /Connection terminated|Client has encountered a connection error|socket hang up|read ECONNRESET/i;

/** An error of the driver or the server in the words of the error table. The server's own words stay in the cause: they may hold values. */
export function postgresFailure(error: unknown, context: FailureContext): unknown {
  if (error instanceof EtlError || !types.isNativeError(error)) return error;
  const { code = '', message } = error as PgError;
  const { connection, address, user, phase, relation } = context;
  const cause = { cause: error };
  if (code === '28P01' || code === '28000' || (code === '' && SAYS_NO_PASSWORD.test(message))) return new EtlError('connection.auth-failed', { connection, user }, cause);
  if (UNTRUSTED.test(code)) return new EtlError('connection.untrusted', { connection, address, reason: `the certificate is refused (${code.startsWith('ERR_TLS') ? 'it names another host' : code.toLowerCase().replaceAll('_', ' ')})`, remedy: 'start the worker with NODE_EXTRA_CA_CERTS naming the file of its authority, or correct the host' }, cause);
  if (SAYS_NO_TLS.test(message)) return new EtlError('connection.untrusted', { connection, address, reason: 'it offers no TLS', remedy: 'switch TLS on at the server, or say tls: prefer' }, cause);
  if (code === '3D000') return new EtlError('source.not-found', { connection, what: 'database', name: context.database, next: `create it, or change database in the connection ${connection}` }, cause);
  if (code === '42501') return new EtlError('connection.permission-denied', { connection, action: actionOf(context), grant: grantFor(context) }, cause);
  if (code === '53100' || code === 'ENOSPC') return new EtlError('platform.disk-full', { what: `${connection} at ${address}` }, cause);
  if (code === '55P03' || code === '40P01') return new EtlError(context.right === 'SELECT' ? 'source.busy' : 'sink.busy', { target: relation ?? connection, dataset: relation ?? connection, seconds: 10 }, cause);
  if (code === '57014') return new EtlError('query.timeout', { reason: 'a person or one of its limits ended it' }, cause);
  if (code === '53200' || code === '53400' || code === '54001' || (code === 'XX000' && SAYS_TOO_LONG.test(message))) return new EtlError('query.memory-exceeded', { limit: `${connection} lets one statement have`, next: 'take fewer rows or columns at once, or have work_mem or temp_file_limit raised there' }, cause);
  if (MISFIT.has(code)) return misfit(error as PgError);
  if (CONSTRAINT.has(code)) return refusedRows(error as PgError);
  if (NOT_DONE.test(code)) return new EtlError('plan.refused', { rule: `a rule of ${connection}`, explanation: message, next: 'change the target or the pipeline, then run it again' }, cause);
  if (code === '42P01' || code === '42703' || code === '42P10') return new EtlError('source.schema-drifted', { dataset: relation ?? connection, diff: code === '42703' ? 'a column is gone' : code === '42P10' ? 'the key has no unique index' : 'it is gone' }, cause);
  if (BROKEN.has(code) || SAYS_BROKEN.test(message)) return new EtlError('connection.interrupted', { connection, phase }, cause);
  if (AWAY.has(code) || SAYS_AWAY.test(message)) return new EtlError('connection.unreachable', { connection, address }, cause);
  return error;
}
function actionOf({ right, relation, database }: FailureContext): string {
  if (right === 'CREATE SCHEMA') return `a new schema in ${database}`;
  if (right === 'LEDGER') return 'the use of schema _etl';
  return right === 'CREATE' ? `new tables beside ${relation ?? 'the target'}` : `${right ?? 'use'} on ${relation ?? 'an object'}`;
}
/** Codes after which nothing more is known of the server's side: a commit may or may not have happened. */
export const isOutcomeUnknown = (error: unknown): boolean => {
  const { code = '', message = '' } = (error instanceof EtlError ? error.cause : error) as PgError ?? {};
  return BROKEN.has(code) || SAYS_BROKEN.test(message) || code === 'ETIMEDOUT';
};

/** Words that a name needs quotes for, of those that people give to tables. */
const RESERVED = new Set(['all', 'analyse', 'analyze', 'and', 'any', 'array', 'as', 'asc', 'case', 'cast', 'check', 'column', 'constraint', 'create', 'current_date', 'current_user', 'default', 'desc', 'distinct', 'do', 'else',
  'end', 'false', 'fetch', 'for', 'foreign', 'from', 'grant', 'group', 'having', 'in', 'into', 'lateral', 'limit', 'not', 'null', 'offset', 'on', 'only', 'or', 'order', 'primary', 'references', 'returning', 'select',
  'session_user', 'some', 'table', 'then', 'to', 'true', 'union', 'unique', 'user', 'using', 'variadic', 'when', 'where', 'window', 'with']);
const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const spelled = (name: string): string => (/^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name) ? name : quote(name));

/** What a way of writing needs beside the right that was missing: who may change rows must also read them, and put new ones in. */
const BESIDE: Readonly<Record<TableRight, string>> = { SELECT: 'SELECT', INSERT: 'SELECT, INSERT', UPDATE: 'SELECT, INSERT, UPDATE', TRUNCATE: 'SELECT, INSERT, TRUNCATE', DELETE: 'SELECT, INSERT, DELETE' };
/** The statement that an administrator can paste. */
export function grantFor({ right = 'SELECT', relation, user, database }: Pick<FailureContext, 'right' | 'relation' | 'user' | 'database'>): string {
  const to = quote(user);
  if (right === 'CREATE SCHEMA') return `GRANT CREATE ON DATABASE ${quote(database)} TO ${to}`;
  if (right === 'LEDGER') return `GRANT USAGE, CREATE ON SCHEMA _etl TO ${to}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA _etl TO ${to}`;
  if (right === 'ALTER') return `ALTER TABLE ${relation ?? 'the table'} OWNER TO ${to}`;
  const { schema, table } = relation === undefined ? { schema: 'public', table: 'the table' } : relationOf(relation);
  if (right === 'CREATE') return `GRANT USAGE, CREATE ON SCHEMA ${spelled(schema)} TO ${to}`;
  return `GRANT USAGE ON SCHEMA ${spelled(schema)} TO ${to}; GRANT ${BESIDE[right]} ON ${spelled(schema)}.${spelled(table)} TO ${to}`;
}

/** `COPY t, line 5, column c: "value"` is where COPY says what it could not take. */
const WHERE = /COPY [^,]+, line (\d+)(?:, column ([^:]+))?(?:: "((?:[^"]|"(?!$))*)")?/;
const TYPE = /type ([a-z][a-z0-9 ]*(?:\([\d,]+\))?)|out of range for (?:type )?([a-z ]+)|^([a-z ]+) out of range/;
function misfit(error: PgError): EtlError {
  const [, line, column, value] = WHERE.exec(error.where ?? '') ?? [];
  const target = (TYPE.exec(error.message) ?? []).slice(1).find(Boolean) ?? (error.code === '23502' ? 'not null' : 'its type');
  const named = column ?? error.column;
  const isNull = error.code === '23502';
  const cell: Failure['cell'] | undefined = named ? { row: line ? Number(line) : null, column: named, value: isNull ? 'NULL' : (value ?? '').slice(0, 200), target } : undefined;
  return new EtlError('data.value-out-of-range', { column: named ?? 'unknown', type: target, ...(isNull ? { next: 'give it a value at the source, or allow NULL at the target' } : {}) }, { cause: error, ...(cell ? { cell } : {}) });
}

/** `Key (a, b)=(1, x) already exists.`, and the like: what the server says beside a refused row. */
const KEY = /Key \((.+?)\)=\((.*?)\) /s;
const ROW = /Failing row contains (\(.*\))\.$/s;
const WHY: Readonly<Record<string, readonly [why: string, next: string]>> = {
  twin: ['two rows of the source have one key', 'choose other key columns, or leave the key out'],
  23505: ['a row with this key is there already', 'load: upsert changes the rows that are there'],
  23503: ['a row that it refers to is missing', 'load the table that it refers to first'],
  23001: ['another table refers to the row', 'load: upsert keeps the rows that others refer to'],
  23514: ['a check of the target says no', 'mend the value at the source, or the check at the target'],
  '23P01': ['it excludes a row that is there', 'leave the row out at the source, or change the target'],
  partition: ['no partition takes it', 'add a partition for it'],
};
function refusedRows(error: PgError): EtlError {
  const { code = '', constraint, detail = '', message } = error;
  const kind = /is duplicated/.test(detail) ? 'twin' : code === '23514' && /no partition/.test(message) ? 'partition' : code;
  const [why = 'a constraint says no', next] = WHY[kind] ?? [];
  const [, column, value] = KEY.exec(detail) ?? [];
  const row = ROW.exec(detail)?.[1];
  const said = kind === 'twin' || !constraint ? why : `${constraint}: ${why}`;
  const cell = column !== undefined ? { row: null, column, value: (value ?? '').slice(0, 200), target: constraint ?? why } : row !== undefined ? { row: null, column: error.column ?? 'the whole row', value: row.slice(0, 200), target: constraint ?? why } : undefined;
  return new EtlError('sink.constraint-violated', { constraint: said, ...(next ? { next } : {}) }, { cause: error, ...(cell ? { cell } : {}) });
}
