import { Injectable } from '@nestjs/common';
import { EtlError, type LiveRunView } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { z } from 'zod';
import { RunViewsRepository } from '../runs/run-views.repository.ts';

const Cursor = z.tuple([z.iso.datetime({ offset: true }), z.uuid()]);
const encode = ({ startedAt, runId }: LiveRunView): string => Buffer.from(JSON.stringify([startedAt, runId])).toString('base64url');
function decode(cursor: string): { startedAt: string; runId: string } {
  try {
    const [startedAt, runId] = Cursor.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return { startedAt, runId };
  } catch (cause) {
    throw new EtlError('request.invalid', { pointer: '/cursor', problem: 'is not the `next` of an earlier page' }, { cause });
  }
}

@Injectable()
export class ViewsService {
  constructor(private readonly state: StateDatabase, private readonly runs: RunViewsRepository) {}

  async list(tenantId: string, limit: number, cursor: string | undefined): Promise<{ items: LiveRunView[]; next: string | null }> {
    const before = cursor === undefined ? null : decode(cursor);
    const rows = await this.state.inTenantTx(tenantId, (tx) => this.runs.list(tx, { limit: limit + 1, before }));
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return { items, next: rows.length > limit && last ? encode(last) : null };
  }
  get(tenantId: string, runId: string): Promise<LiveRunView> {
    return this.state.inTenantTx(tenantId, (tx) => this.runs.get(tx, runId));
  }
}
