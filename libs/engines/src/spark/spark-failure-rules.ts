import { EtlError } from '@agent-etl/contracts';

/** What a call that failed says of itself. Spark's messages hold values of rows and pieces of statements: they are never kept.
 * @property grpcCode status of gRPC, 2 where it is unknown
 * @property phase what was being done, in words after "during" */
export interface SparkFault { readonly grpcCode: number; readonly errorClass: string | null; readonly sqlState: string | null; readonly address: string; readonly phase: string; readonly targetType?: string | undefined }

const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;
const AWAY = 'see that its Connect server runs and that ETL_ENGINES_SPARK_URL names it, then run it again';

/** Whether the session is gone with its views: the server has started anew or has dropped it. */
export const isSessionLost = (errorClass: string | null): boolean => /^INVALID_HANDLE\.SESSION/.test(errorClass ?? '');
/** Whether the server knows no such operation: it never arrived there, or has ended and was let go. */
export const isOperationUnknown = (errorClass: string | null): boolean => /^INVALID_HANDLE\.OPERATION/.test(errorClass ?? '');
/** Whether the answers of an operation go to somebody else by now, or are being let go. */
const isTakenOver = (errorClass: string | null): boolean => /^INVALID_CURSOR/.test(errorClass ?? '');
/** Whether the stream broke while the operation may go on. */
export const isBroken = (grpcCode: number): boolean => grpcCode === UNAVAILABLE || grpcCode === CANCELLED;

/** A failure in the words of the error table, by class and SQLSTATE alone.
 * @returns `connection.*`, `query.*`, `config.invalid`, `data.value-out-of-range`, `platform.*` */
export function sparkFailure(fault: SparkFault): EtlError {
  const { grpcCode, errorClass, sqlState, address, phase } = fault;
  const cause = new Error(`spark: gRPC ${grpcCode}, ${errorClass ?? 'no class'}, ${sqlState ?? 'no SQLSTATE'}`);
  const connection = 'Spark';
  if (grpcCode === UNAUTHENTICATED || grpcCode === PERMISSION_DENIED) return new EtlError('connection.auth-failed', { connection, user: 'agent-etl', next: 'set the secret that ETL_ENGINES_SPARK_TOKEN refers to, then run it again' }, { cause });
  if (isSessionLost(errorClass)) return new EtlError('connection.interrupted', { connection, phase: `${phase}: its server has started anew`, next: 'run it again' }, { cause });
  if (isOperationUnknown(errorClass) || isTakenOver(errorClass)) return new EtlError('connection.interrupted', { connection, phase, next: 'run it again' }, { cause });
  if (errorClass === 'OPERATION_CANCELED') return new EtlError('query.timeout', { reason: 'it was cancelled on Spark' }, { cause });
  if (grpcCode === UNAVAILABLE || grpcCode === DEADLINE_EXCEEDED) return phase === OPENING ? new EtlError('connection.unreachable', { connection, address, next: AWAY }, { cause }) : new EtlError('connection.interrupted', { connection, phase, next: AWAY }, { cause });
  return ofStatement(fault, cause);
}
/** The phase in which nothing has been asked yet. */
export const OPENING = 'the first call';

function ofStatement({ grpcCode, errorClass, sqlState, targetType }: SparkFault, cause: Error): EtlError {
  const name = errorClass ?? '';
  if (/OUT_OF_MEMORY|OutOfMemory|UNABLE_TO_ACQUIRE_MEMORY/i.test(name) || grpcCode === RESOURCE_EXHAUSTED || sqlState === '53200') return new EtlError('query.memory-exceeded', { limit: 'the memory of Spark', next: 'give its executors more memory, then run it again' }, { cause });
  if (sqlState === '53100' || /NO_SPACE|DISK_FULL/.test(name)) return new EtlError('platform.disk-full', { what: 'Spark' }, { cause });
  if (name === 'PATH_NOT_FOUND') return new EtlError('config.invalid', { problems: 'Spark does not find what was staged for it', next: 'set ETL_ENGINES_SPARK_FOLDER to a folder that the workers and Spark see under one path' }, { cause });
  // Class 22 of SQLSTATE: a value that an expression cannot do with.
  if (sqlState?.startsWith('22') || sqlState === 'P0001') {
    return new EtlError('data.value-out-of-range', { row: null, column: 'of a step', type: targetType ?? (name.startsWith('ARITHMETIC_OVERFLOW') || name.startsWith('NUMERIC_VALUE') ? 'a number' : 'its type'), next: 'use try_cast, a wider type, or a filter before the step' }, { cause });
  }
  return new EtlError('platform.internal', { traceId: 'none' }, { cause });
}
