import { EtlError } from '@agent-etl/contracts';

export interface MysqlContext { readonly connection: string; readonly address: string; readonly user: string; readonly database: string; readonly table?: string | undefined }
interface MysqlError { readonly code?: string; readonly errno?: number; readonly message: string }

const AWAY = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ER_CON_COUNT_ERROR', 'HANDSHAKE_NO_SSL_SUPPORT', 'HANDSHAKE_SSL_ERROR', 'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ERR_TLS_CERT_ALTNAME_INVALID']);
const BROKEN = new Set(['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'EPIPE', 'ER_SERVER_SHUTDOWN', 'ER_CONNECTION_KILLED', 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR', 'PROTOCOL_ENQUEUE_AFTER_QUIT']);
const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** An error of the driver or the server in the words of the error table. The server's own words stay in the cause: they may hold values. */
export function mysqlFailure(error: unknown, { connection, address, user, database, table }: MysqlContext): unknown {
  if (error instanceof EtlError || !(error instanceof Error)) return error;
  const { code = '', errno = 0, message } = error as MysqlError;
  const cause = { cause: error };
  if (errno === 1045 || errno === 1698 || code === 'AUTH_SWITCH_PLUGIN_ERROR') return new EtlError('connection.auth-failed', { connection, user }, cause);
  if (errno === 1049) return new EtlError('source.not-found', { connection, what: 'database', name: database, next: `create it, or change database in the connection ${connection}` }, cause);
  if (errno === 1044 || errno === 1142 || errno === 1143 || errno === 1227 || errno === 1370) {
    return new EtlError('connection.permission-denied', { connection, action: `SELECT on ${table ?? database}`, grant: `GRANT SELECT ON ${quote(database)}.${table === undefined ? '*' : quote(table)} TO '${user}'` }, cause);
  }
  if (errno === 1146 || errno === 1054) return new EtlError('source.schema-drifted', { dataset: table ?? database, diff: errno === 1054 ? 'a column is gone' : 'it is gone' }, cause);
  if (errno === 1205 || errno === 1213) return new EtlError('source.busy', { dataset: table ?? database, seconds: 50 }, cause);
  if (errno === 1412) return new EtlError('source.schema-drifted', { dataset: table ?? database, diff: 'it was changed after the snapshot was taken' }, cause);
  if (errno === 1317 || errno === 1969 || errno === 3024) return new EtlError('query.timeout', { reason: 'a person or one of its limits ended it' }, cause);
  if (BROKEN.has(code) || /closed state|Connection lost/.test(message)) return new EtlError('connection.interrupted', { connection, phase: 'reading' }, cause);
  if (AWAY.has(code) || errno === 1040 || /connect ETIMEDOUT|certificate/.test(message)) return new EtlError('connection.unreachable', { connection, address }, cause);
  return error;
}
