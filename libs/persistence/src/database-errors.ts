import { EtlError } from '@agent-etl/contracts';

const away = /^(08...|57P0[1-5]|53300|53400|25P03|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
// pg and its pool raise these without a code.
const lost = /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|The database connection|Query runner already released|Query read timeout)/;

/** The code that Postgres or the socket gave, below any wrapping of the ORM. */
export function databaseCode(error: unknown): string | null {
  const seen = error as { code?: unknown; driverError?: { code?: unknown } } | null;
  const code = seen?.driverError?.code ?? seen?.code;
  return typeof code === 'string' ? code : null;
}

/** Whether the server refuses a prepared statement because a migration has changed its columns since, or because it was given back, as the driver does when a value cannot be sent
 * (`26000`): asked again, it is prepared anew. */
export const isStalePlan = (error: unknown): boolean => {
  if (databaseCode(error) === '26000') return true;
  const seen = error as { routine?: unknown; driverError?: { routine?: unknown } } | null;
  return (seen?.driverError?.routine ?? seen?.routine) === 'RevalidateCachedQuery';
};

/** A server that is away takes the file of its Unix socket with it. */
const isNoSocket = (error: unknown): boolean => {
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  return code === 'ENOENT' && syscall === 'connect';
};

/** Whether the server could not be reached or ended the session: nothing was wrong with the statement. */
export function isAway(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isAway);
  const code = databaseCode(error);
  if (code && away.test(code)) return true;
  if (isStalePlan(error) || isNoSocket(error)) return true;
  return error instanceof Error && lost.test(error.message);
}

/** `platform.unavailable` for a database that is away; every other error as it came. */
export const asUnavailable = (error: unknown): unknown =>
  (isAway(error) ? new EtlError('platform.unavailable', { dependency: 'the state database', kept: 'no' }, { cause: error }) : error);

const UNTRUSTED = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)|CERT_\w+|ERR_TLS_CERT_\w+)$/;
/** `config.invalid` for a server that does not take the login, has no such database or is not trusted: no waiting helps. Null for every other error. */
export function refusedLogin(error: unknown): EtlError | null {
  const code = databaseCode(error) ?? '';
  if (!/^(28...|3D000)$/.test(code) && !UNTRUSTED.test(code)) return null;
  const text = UNTRUSTED.test(code) ? `the certificate of the server is not trusted (${code})` : code === '3D000' ? 'the server has no such database' : 'the server refuses this login: its name, password or way of signing in is wrong';
  return new EtlError('config.invalid', { problems: `ETL_PERSISTENCE_URL: ${text}` }, { issues: [{ code: 'config', path: 'ETL_PERSISTENCE_URL', text }], cause: error });
}
