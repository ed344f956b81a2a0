import { type Pipeline, type PipelineRequest, DatasetRef, EtlError, otherDatasets } from '@agent-etl/contracts';
import { Outbox } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { assertSupported } from '@agent-etl/planning';
import { Inject, Injectable } from '@nestjs/common';
import { v7 } from 'uuid';
import { ConnectionsRepository } from '../connections/connections.repository.ts';
import { PipelinesRepository } from '../pipelines/pipelines.repository.ts';
import { lookRun } from '../runs/new-run.ts';
import { RunsService } from '../runs/runs.service.ts';
import type { RequestEntity } from './request.entity.ts';
import { isKeyFresh, keysEndBefore } from './key-rules.ts';
import { askedPipeline, assertSameBody, bodyDigest } from './request-rules.ts';
import { RequestsRepository } from './requests.repository.ts';

export const PLANNING_MS = Symbol('how long profiling may take');
/** @property requestId the id that the sender gave, null when it gave none
 * @property key an Idempotency-Key */
export interface Taken { readonly requestId: string | null; readonly key: string | null; readonly body: PipelineRequest; readonly by: string }

/** Takes a request: its row, the answer that it is accepted, and the run that profiles its ends, all or nothing. */
@Injectable()
export class Intake {
  constructor(
    private readonly requests: RequestsRepository, private readonly pipelines: PipelinesRepository, private readonly connections: ConnectionsRepository,
    private readonly runs: RunsService, private readonly outbox: Outbox<'orchestrator'>, @Inject(PLANNING_MS) private readonly planningMs: number,
  ) {}

  /** @returns the request, a repeated one as it is by now
   * @throws EtlError `request.key-reused`, `request.unsupported`, `request.invalid`, `access.not-found` before anything is written */
  async take(tx: TenantTx, asked: Taken): Promise<RequestEntity> {
    const { key, body, by } = asked;
    const digest = bodyDigest(body);
    const { kept, requestId } = await this.known(tx, asked);
    if (kept) { assertSameBody(kept, digest); return kept; }
    const spec = await this.resolve(tx, body);
    await this.connections.named(tx, [spec.from.connection, spec.to.connection, ...otherDatasets(spec.steps).map(({ connection }) => connection)]);
    const pipelineId = await this.pipelines.keep(tx, spec);
    if (key !== null) await this.requests.freeKey(tx, key, keysEndBefore(await tx.now()));
    const request = {
      requestId, idempotencyKey: key, bodyDigest: digest, pipelineId, pipeline: spec.name, spec, run: body.run ?? 'never', state: 'planning', planId: null, runId: null, failure: null, askedBy: by, createdAt: await tx.now(),
    } as const;
    if (!(await this.requests.insert(tx, request))) {
      const { kept: twin } = await this.known(tx, asked);
      if (!twin) throw new EtlError('platform.internal');
      assertSameBody(twin, digest);
      return twin;
    }
    await this.outbox.add(tx, 'pipeline.accepted.v1', { requestId, pipelineId, pipeline: spec.name, owner: spec.owner ?? null });
    await this.profile(tx, request);
    return { ...request, tenantId: tx.tenantId };
  }

  /** The request that this one repeats, or the id that it gets: its own, else the key's, unless an earlier request of that key has it. */
  private async known(tx: TenantTx, { requestId, key }: Taken): Promise<{ kept: RequestEntity | null; requestId: string }> {
    const byKey = key === null ? null : await this.requests.byKey(tx, key);
    const isFresh = byKey !== null && isKeyFresh(byKey.createdAt, await tx.now());
    const kept = isFresh ? byKey : requestId === null ? null : await this.requests.find(tx, requestId);
    return { kept, requestId: requestId ?? (byKey === null ? key : null) ?? v7() };
  }
  private async resolve(tx: TenantTx, body: PipelineRequest): Promise<Pipeline> {
    const asked = askedPipeline(body);
    if ('from' in asked) return asked;
    const { spec } = await this.pipelines.get(tx, asked.name);
    assertSupported(spec);
    return spec;
  }
  private async profile(tx: TenantTx, { requestId, pipelineId, spec }: Pick<RequestEntity, 'requestId' | 'pipelineId' | 'spec'>): Promise<void> {
    const source = DatasetRef.parse({ connection: spec.from.connection, dataset: spec.from.dataset });
    const target = DatasetRef.parse({ connection: spec.to.connection, dataset: spec.to.dataset });
    const others = otherDatasets(spec.steps);
    await this.runs.start(tx, lookRun({
      spec: { id: 'profile', kind: 'profile', source, target, ...(others.length ? { others } : {}), ...(spec.from.select ? { select: spec.from.select } : {}), ...(typeof spec.onFail === 'object' ? { bad: 'aside' } : {}) }, pipeline: spec.name, pipelineId, requestId, now: await tx.now(), deadlineMs: this.planningMs }));
  }
}
