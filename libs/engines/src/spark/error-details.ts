import { fromBinary } from '@bufbuild/protobuf';
import type { ServiceError } from '@grpc/grpc-js';
import type { FetchErrorDetailsResponse } from './messages/spark/connect/base_pb.ts';
import { ErrorInfoSchema } from './messages/google/rpc/error_details_pb.ts';
import { StatusSchema } from './messages/google/rpc/status_pb.ts';

/** Class, SQLSTATE and the id under which more can be asked. */
export interface ToldFault { readonly errorClass: string | null; readonly sqlState: string | null; readonly errorId: string | null }
const DETAILS = 'grpc-status-details-bin';
const none: ToldFault = { errorClass: null, sqlState: null, errorId: null };
const given = (text: string | undefined): string | null => (text ? text : null);

/** Reads the trailer that every refusal of Spark carries. Some errors of the protocol have their class in the status alone, between square brackets at its beginning. */
export function faultOf(error: unknown): ToldFault {
  const { metadata, details } = error as Partial<ServiceError>;
  const inText = /^(?:[a-zA-Z.]+: )?\[([A-Z][A-Z0-9_]*(?:\.[A-Z][A-Z0-9_]*)*)\]/.exec(details ?? '')?.[1] ?? null;
  const raw = metadata?.get(DETAILS)[0];
  if (!(raw instanceof Uint8Array)) return { ...none, errorClass: inText };
  const info = fromBinary(StatusSchema, raw).details.find(({ typeUrl }) => typeUrl.endsWith('google.rpc.ErrorInfo'));
  if (!info) return { ...none, errorClass: inText };
  const { metadata: told } = fromBinary(ErrorInfoSchema, info.value);
  return { errorClass: given(told['errorClass']) ?? inText, sqlState: given(told['sqlState']), errorId: given(told['errorId']) };
}

/** The first of a chain of causes that has a class of its own. Of its parameters only the type that a value should have had: the others are values. */
export function firstThrowable({ errors, rootErrorIdx }: FetchErrorDetailsResponse): { readonly errorClass?: string; readonly sqlState?: string; readonly targetType?: string } {
  for (let at = rootErrorIdx, seen = 0; at !== undefined && seen <= errors.length; seen += 1) {
    const error = errors[at];
    const thrown = error?.sparkThrowable;
    const type = thrown?.messageParameters['targetType'];
    if (thrown?.errorClass) return { errorClass: thrown.errorClass, ...(thrown.sqlState ? { sqlState: thrown.sqlState } : {}), ...(type ? { targetType: type.replaceAll('"', '').toLowerCase() } : {}) };
    at = error?.causeIdx;
  }
  return {};
}
