import { randomBytes } from 'node:crypto';
import { type App, DEFAULT_TENANT, EtlError, type MessageType, TenantId, canonicalJson, isMessageType, messages } from '@agent-etl/contracts';
import { v5 } from 'uuid';
import type { WireMessage } from './message-bus.ts';

/** Our namespace of derived ids (UUIDv5, RFC 9562): the same saying has the same id wherever it is said. */
const NAMESPACE = '7f1c1f2e-3f0a-5a43-9a53-0c2d6f6f3b11';
export const derivedId = (...parts: readonly unknown[]): string => v5(canonicalJson(parts), NAMESPACE);
/** Value of a message at most: brokers refuse a batch above 1 MiB, headers included, unless they are told otherwise. */
export const MOST_BYTES = 900_000;
const PUBLIC_TOPIC = 'etl.pipeline.requests';

/** What a handler learns about its message beside the payload. */
export interface MessageMeta {
  readonly id: string; readonly type: MessageType; readonly key: string; readonly at: string; readonly source: string;
  readonly tenantId: string; readonly topic: string; readonly partition: number; readonly offset: string;
}
interface Saying { readonly app: App; readonly tenantId: string; readonly type: MessageType; readonly payload: Readonly<Record<string, unknown>>; readonly at: string }

/** The message that says something, with CloudEvents 1.0 attributes, trace context and tenant as headers. */
export function wireMessage({ app, tenantId, type, payload, at }: Saying): WireMessage & { readonly id: string } {
  const { topic, key: keyName } = messages[type];
  const id = derivedId(tenantId, type, payload);
  const key = String(payload[keyName]);
  return {
    id, topic, key, value: Buffer.from(JSON.stringify(payload)),
    headers: {
      ce_specversion: '1.0', ce_id: id, ce_type: type, ce_source: `/agent-etl/${app}`, ce_time: at, ce_subject: key, 'content-type': 'application/json',
      traceparent: `00-${id.replaceAll('-', '')}-${randomBytes(8).toString('hex')}-01`, etl_tenant: tenantId,
    },
  };
}

export type Read = { readonly kind: 'message'; readonly meta: MessageMeta } | { readonly kind: 'foreign' } | { readonly kind: 'unreadable'; readonly failure: EtlError };

/** Reads the headers. A line without any on the public topic is a request of the one tenant there is. */
export function readHeaders(message: WireMessage): Read {
  const { headers, topic, key, partition = 0, offset = '0' } = message;
  const isBare = headers['ce_type'] === undefined && headers['ce_id'] === undefined;
  const place = { key, topic, partition, offset };
  if (isBare && topic === PUBLIC_TOPIC) {
    return { kind: 'message', meta: { ...place, id: derivedId(topic, partition, offset), type: 'pipeline.requested.v1', at: new Date().toISOString(), source: 'unknown', tenantId: DEFAULT_TENANT.id } };
  }
  const type = headers['ce_type'] ?? '';
  if (!isMessageType(type)) return { kind: 'unreadable', failure: new EtlError('message.unsupported', { type: type || 'a message without a type' }) };
  if (messages[type].topic !== topic) return { kind: 'unreadable', failure: new EtlError('message.malformed', { problem: `${type} does not belong on ${topic}` }) };
  const id = headers['ce_id'];
  if (!id || id.length > 200) return { kind: 'unreadable', failure: new EtlError('message.malformed', { problem: 'ce_id is missing or too long' }) };
  const tenant = headers['etl_tenant'] === undefined && topic === PUBLIC_TOPIC ? DEFAULT_TENANT.id : headers['etl_tenant'];
  if (!TenantId.safeParse(tenant).success) return { kind: 'unreadable', failure: new EtlError('message.tenant-mismatch') };
  return { kind: 'message', meta: { ...place, id: uuidOf(id), type, at: instantOf(headers['ce_time']), source: headers['ce_source'] ?? 'unknown', tenantId: tenant as string } };
}
/** The tenant that a message names readably, else the default one: where a message is kept that cannot be read. */
export function tenantNamedBy({ headers }: WireMessage): string {
  const named = TenantId.safeParse(headers['etl_tenant']);
  return named.success ? named.data : DEFAULT_TENANT.id;
}
/** Others may write any text as ce_time; what is no instant is now. */
function instantOf(text: string | undefined): string {
  const at = new Date(text ?? Number.NaN);
  return Number.isNaN(at.getTime()) ? new Date().toISOString() : at.toISOString();
}
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Others may use any text as ce_id; the inbox keeps a UUID of it. */
const uuidOf = (id: string): string => (UUID.test(id) ? id.toLowerCase() : derivedId('ce_id', id));
