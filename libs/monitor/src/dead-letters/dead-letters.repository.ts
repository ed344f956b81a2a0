import { Injectable } from '@nestjs/common';
import { type DeadLetterView, EtlError, Failure } from '@agent-etl/contracts';
import { type TenantTx, sql } from '@agent-etl/persistence';

export interface DeadLetter extends DeadLetterView { readonly value: Uint8Array; readonly headers: Readonly<Record<string, string>> }
interface Row { id: string; app: string; topic: string; partition: number; offset: string; key: string; type: string | null; failure: unknown; tries: number; at: Date; bytes: string; value?: Buffer; headers?: Record<string, string> }

const viewOf = ({ id, app, topic, partition, offset, key, type, failure, tries, at, bytes }: Row): DeadLetterView =>
  ({ id, app, topic, partition, offset, key, type, failure: Failure.parse(failure), tries, at: at.toISOString(), bytes: Number(bytes) });

@Injectable()
export class DeadLettersRepository {
  /** Keeps a letter once, however often its mirror arrives. */
  async add(tx: TenantTx, { id, app, topic, partition, offset, key, type, failure, tries, at, value, headers }: DeadLetter): Promise<void> {
    await tx.run(sql`insert into dead_letter_view (tenant_id, id, app, topic, partition, "offset", key, type, failure, tries, at, value, headers)
      values (${tx.tenantId}, ${id}, ${app}, ${topic}, ${partition}, ${offset}, ${key}, ${type}, ${JSON.stringify(failure)}::jsonb, ${tries}, ${at}::timestamptz, ${Buffer.from(value)}, ${JSON.stringify(headers)}::jsonb)
      on conflict do nothing`);
  }
  async list(tx: TenantTx, { limit, before }: { limit: number; before: string | null }): Promise<DeadLetterView[]> {
    const older = before ? sql`where id < ${before}::uuid` : sql``;
    const rows = await tx.run<Row>(sql`select id, app, topic, partition, "offset", key, type, failure, tries, at, octet_length(value) as bytes from dead_letter_view ${older} order by id desc limit ${limit}`);
    return rows.map(viewOf);
  }
  async get(tx: TenantTx, id: string): Promise<DeadLetterView & { valueBase64: string; headers: Record<string, string> }> {
    const [row] = await tx.run<Row>(sql`select id, app, topic, partition, "offset", key, type, failure, tries, at, octet_length(value) as bytes, value, headers from dead_letter_view where id = ${id}::uuid`);
    if (!row) throw new EtlError('access.not-found', { what: 'dead letter' });
    return { ...viewOf(row), valueBase64: (row.value ?? Buffer.alloc(0)).toString('base64'), headers: row.headers ?? {} };
  }
}
