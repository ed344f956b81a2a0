import { types } from 'node:util';
import { EtlError } from '@agent-etl/contracts';

export interface MysqlContext { readonly connection: string; readonly address: string; readonly user: string; readonly database: string; readonly table?: string | undefined;
  /** What the connection is for: it decides the words. */
  readonly use: 'read' | 'write' }
interface MysqlError { readonly code?: string; readonly errno?: number; readonly message: string }

const AWAY = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ER_CON_COUNT_ERROR', 'HANDSHAKE_SSL_ERROR']);
const BROKEN = new Set(['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'EPIPE', 'ER_SERVER_SHUTDOWN', 'ER_CONNECTION_KILLED', 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR', 'PROTOCOL_ENQUEUE_AFTER_QUIT']);
const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

const WRITES = 'SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX';
const TWIN = 'a row with this key is there already, or two rows of the source have one key';
const CONSTRAINTS: Readonly<Record<number, readonly [why: string, next: string]>> = {
  1062: [TWIN, 'load: upsert changes the rows that are there; other key columns tell rows apart'], 1586: [TWIN, 'load: upsert changes the rows that are there; other key columns tell rows apart'],
  1048: ['a column that may not be NULL is NULL', 'give it a value at the source, or allow NULL at the target'], 1364: ['a column that may not be NULL gets no value', 'give it a default at the target'],
  1451: ['another table refers to a row that would go', 'load: upsert keeps the rows that are there'], 1452: ['a row that it refers to is missing', 'load the table that it refers to first'],
  3819: ['a check of the target says no', 'mend the value at the source, or the check at the target'], 4025: ['a check of the target says no', 'mend the value at the source, or the check at the target'],
};
/** The driver tells of TLS in the words of its library alone. */
function distrustIn(message: string): string | undefined {
  if (/altnames|does not match/i.test(message)) return UNTRUSTED['ERR_TLS_CERT_ALTNAME_INVALID'];
  if (/expired/i.test(message)) return UNTRUSTED['CERT_HAS_EXPIRED'];
  return /self.signed|unable to (verify|get)|issuer/i.test(message) ? UNTRUSTED['UNABLE_TO_VERIFY_LEAF_SIGNATURE'] : undefined;
}
/** What a server says that loads nothing from its clients. */
export const noInfile = (connection: string, cause?: unknown): EtlError => new EtlError('connection.permission-denied', {
  connection, action: 'loading rows from a client, which is switched off at the server', grant: 'SET GLOBAL local_infile = ON, and local_infile=ON below [mysqld] in its configuration',
}, { cause });

const UNTRUSTED: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired', DEPTH_ZERO_SELF_SIGNED_CERT: 'it vouches for itself', SELF_SIGNED_CERT_IN_CHAIN: 'nobody whom this machine trusts vouches for it', UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'nobody whom this machine trusts vouches for it',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'nobody whom this machine trusts vouches for it', ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name', HANDSHAKE_NO_SSL_SUPPORT: 'it speaks no TLS',
};
/** An error of the driver or the server in the words of the error table. The server's own words stay in the cause: they may hold values. */
export function mysqlFailure(error: unknown, { connection, address, user, database, table, use }: MysqlContext): unknown {
  if (error instanceof EtlError || !types.isNativeError(error)) return error;
  const { code = '', errno = 0, message } = error as MysqlError;
  const cause = { cause: error };
  if (errno === 1045 || errno === 1698 || code === 'AUTH_SWITCH_PLUGIN_ERROR') return new EtlError('connection.auth-failed', { connection, user }, cause);
  const distrust = code === 'HANDSHAKE_SSL_ERROR' ? UNTRUSTED[Object.keys(UNTRUSTED).find((name) => message.includes(name)) ?? ''] ?? distrustIn(message) : UNTRUSTED[code];
  if (distrust !== undefined) return new EtlError('connection.untrusted', { connection, address, reason: distrust, remedy: 'have the server give a certificate for its name by an authority that this machine trusts (NODE_EXTRA_CA_CERTS names more), or set tls: require' }, cause);
  if (errno === 1049) return new EtlError('source.not-found', { connection, what: 'database', name: database, next: `create it, or change database in the connection ${connection}` }, cause);
  if (use === 'write') {
    const refused = writeFailure({ errno, error, message }, { connection, user, database, table });
    if (refused) return refused;
  }
  if (errno === 1044 || errno === 1142 || errno === 1143 || errno === 1227 || errno === 1370) {
    return new EtlError('connection.permission-denied', { connection, action: `SELECT on ${table ?? database}`, grant: `GRANT SELECT ON ${quote(database)}.${table === undefined ? '*' : quote(table)} TO '${user}'` }, cause);
  }
  if (errno === 1146 || errno === 1054) return new EtlError('source.schema-drifted', { dataset: table ?? database, diff: errno === 1054 ? 'a column is gone' : 'it is gone' }, cause);
  if (errno === 1205 || errno === 1213) return new EtlError('source.busy', { dataset: table ?? database, seconds: 50 }, cause);
  if (errno === 1412) return new EtlError('source.schema-drifted', { dataset: table ?? database, diff: 'it was changed after the snapshot was taken' }, cause);
  if (errno === 1317 || errno === 1969 || errno === 3024) return new EtlError('query.timeout', { reason: 'a person or one of its limits ended it' }, cause);
  if (BROKEN.has(code) || /closed state|Connection lost/.test(message)) return new EtlError('connection.interrupted', { connection, phase: use === 'read' ? 'reading' : 'writing' }, cause);
  if (AWAY.has(code) || errno === 1040 || /connect ETIMEDOUT|certificate/.test(message)) return new EtlError('connection.unreachable', { connection, address }, cause);
  return error;
}
function writeFailure({ errno, error, message }: { errno: number; error: Error; message: string }, { connection, user, database, table }: Omit<MysqlContext, 'address' | 'use'>): EtlError | null {
  const cause = { cause: error };
  if (errno === 1148 || errno === 3948 || errno === 4166) return noInfile(connection, error);
  if (errno === 1044 || errno === 1142 || errno === 1143 || errno === 1227 || errno === 1370) {
    const [, command = 'writing'] = /^([A-Z][A-Z ,]*?) command denied/.exec(message) ?? [];
    return new EtlError('connection.permission-denied', { connection, action: `${command} on ${errno === 1142 && table !== undefined ? table : database}`, grant: `GRANT ${WRITES} ON ${quote(database)}.* TO '${user}'` }, cause);
  }
  const constraint = CONSTRAINTS[errno];
  if (constraint) return new EtlError('sink.constraint-violated', { constraint: constraint[0], next: constraint[1] }, cause);
  if (errno === 1205 || errno === 1213) return new EtlError('sink.busy', { target: table ?? database, seconds: 10 }, cause);
  if (errno === 1050) return new EtlError('plan.stale', {}, cause); // the table came into being meanwhile
  if (errno === 1114 || errno === 1021) return new EtlError('platform.disk-full', { what: table ?? database, next: 'free space at the server, then: agent-etl retry' }, cause);
  if (errno === 1118 || errno === 1117) return new EtlError('request.unsupported', { found: `a table with rows as wide as those of ${table ?? database}`, allowed: 'fewer columns: from.select' }, cause);
  return null;
}
