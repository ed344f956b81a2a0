import { type BackfillRequest, type BackfillView, EtlError } from '@agent-etl/contracts';
import { StateDatabase, type TenantTx } from '@agent-etl/persistence';
import { sliceTasks } from '@agent-etl/planning';
import { crashPoint } from '@agent-etl/service-kit';
import { Injectable } from '@nestjs/common';
import { v5, v7 } from 'uuid';
import { pageOf, readCursor } from '../page-cursor.ts';
import { PipelinesRepository } from '../pipelines/pipelines.repository.ts';
import { assertApprovable } from '../planning/approval-rules.ts';
import { CopyRuns } from '../planning/copy-runs.service.ts';
import type { PlanEntity } from '../planning/plan.entity.ts';
import { PlansRepository } from '../planning/plans.repository.ts';
import { targetKey } from '../runs/new-run.ts';
import type { RunRecord } from '../runs/run-record.ts';
import { RunsService } from '../runs/runs.service.ts';
import { isOver, nextSlice, partsOf, sliceState, backfillState } from './backfill-rules.ts';
import { type Backfill, BackfillsRepository, backfillView } from './backfills.repository.ts';

/** Namespace of backfill ids that follow from an Idempotency-Key. */
const KEYED_BACKFILLS = '6c3a1f1e-64f2-4f0f-8b15-0f9f0f1f7c52';
interface Asked { readonly tenantId: string; readonly name: string; readonly by: string; readonly key: string | null; readonly body: BackfillRequest }

/** Slices of sources that are read again, one run after another. Where the target is being written, the next slice waits until that run has ended. */
@Injectable()
export class BackfillsService {
  constructor(
    private readonly state: StateDatabase, private readonly backfills: BackfillsRepository, private readonly pipelines: PipelinesRepository, private readonly plans: PlansRepository,
    private readonly runs: RunsService, private readonly copies: CopyRuns,
  ) {}

  /** @throws EtlError `access.not-found`, `request.invalid`, `plan.refused` without a cursor, `plan.stale`, `request.conflict` without an approved plan or while another backfill is under way */
  start({ tenantId, name, by, key, body }: Asked): Promise<BackfillView> {
    const parts = partsOf(body);
    return this.state.inTenantTx(tenantId, async (tx) => {
      const { pipelineId } = await this.pipelines.get(tx, name);
      await this.pipelines.hold(tx, pipelineId);
      const backfillId = key === null ? v7() : v5([tenantId, pipelineId, key].join(' '), KEYED_BACKFILLS);
      const twin = key === null ? null : await this.backfills.find(tx, backfillId);
      if (twin) return backfillView(same(twin, { ...body, parts }));
      const row = await this.approved(tx, { pipelineId, name });
      const { tasks: [{ slice, target }], decisions } = sliceTasks(row.plan!, parts[0]!);
      await this.backfills.insert(tx, { backfillId, pipelineId, planId: row.planId, column: slice!.column, targetKey: targetKey(target), step: body.step ?? null, decisions, askedBy: by, createdAt: await tx.now() }, parts);
      await this.goOn(tx, backfillId);
      return backfillView((await this.backfills.find(tx, backfillId))!);
    });
  }
  async list(tenantId: string, name: string, { limit = 50, cursor }: { limit?: number | undefined; cursor?: string | undefined }): Promise<{ items: BackfillView[]; next: string | null }> {
    const after = readCursor(cursor);
    const found = await this.state.inTenantTx(tenantId, async (tx) => this.backfills.list(tx, { pipelineId: (await this.pipelines.get(tx, name)).pipelineId, limit: limit + 1, after }));
    const { rows, next } = pageOf(found, limit, ({ createdAt, backfillId }) => ({ at: createdAt, id: backfillId }));
    return { items: rows.map(backfillView), next };
  }
  /** One that waits is looked at again: who wrote its target may have ended at the moment in which it was asked for. */
  get(tenantId: string, name: string, backfillId: string): Promise<BackfillView> {
    return this.state.inTenantTx(tenantId, async (tx) => {
      const { pipelineId } = await this.pipelines.get(tx, name);
      const found = await this.backfills.find(tx, backfillId);
      if (found?.pipelineId !== pipelineId) throw new EtlError('access.not-found', { what: 'backfill' });
      if (backfillState(found.slices) !== 'waiting') return backfillView(found);
      await this.pipelines.hold(tx, pipelineId);
      await this.goOn(tx, backfillId);
      return backfillView((await this.backfills.find(tx, backfillId))!);
    });
  }

  /** A run has ended: its slice is settled, and whoever waited for its target goes on. */
  async ended(tx: TenantTx, run: RunRecord): Promise<void> {
    if (run.pipelineId) await this.pipelines.hold(tx, run.pipelineId);
    const slice = await this.backfills.ofRun(tx, run.runId);
    if (slice) {
      await this.backfills.settle(tx, slice, { state: sliceState(run.state), failure: run.failure });
      crashPoint('backfill.slice-settled');
    }
    for (const backfillId of run.targetKey === null ? [] : await this.backfills.waitingFor(tx, run.targetKey)) await this.goOn(tx, backfillId);
  }

  /** Starts the next slice if its turn has come and its target is free; ends a backfill that has none left. A slice that may not run any more ends it, too. */
  private async goOn(tx: TenantTx, backfillId: string): Promise<void> {
    const backfill = await this.backfills.lock(tx, backfillId);
    if (!backfill) return;
    const next = nextSlice(backfill.slices);
    if (!next) {
      if (isOver(backfillState(backfill.slices))) await this.backfills.finish(tx, backfillId);
      return;
    }
    if (await this.backfills.liveRun(tx, backfill.targetKey) !== null) return;
    const run = await this.runs.start(tx, await this.runOf(tx, backfill, next));
    await this.backfills.begin(tx, { backfillId, ordinal: next.ordinal }, run.runId);
    await this.pipelines.ran(tx, backfill.pipelineId, { runId: run.runId, state: run.state });
    crashPoint('backfill.slice-started');
  }
  private async runOf(tx: TenantTx, { planId }: Backfill, slice: { from: string; to: string }): Promise<RunRecord> {
    const row = await this.plans.get(tx, planId);
    const plan = { ...row.plan!, tasks: sliceTasks(row.plan!, slice).tasks };
    return this.copies.copyOf(tx, row, { plan, requestId: null, driver: 'workers' });
  }
  private async approved(tx: TenantTx, { pipelineId, name }: { pipelineId: string; name: string }): Promise<PlanEntity> {
    const row = (await this.plans.list(tx, { limit: 50, after: null, pipeline: name })).find(({ status }) => status === 'approved');
    if (!row) throw new EtlError('request.conflict', { what: `the pipeline ${name}`, state: 'without an approved plan', action: 'a backfill', next: `agent-etl run ${name}` });
    assertApprovable(row, await this.plans.latestFingerprint(tx, pipelineId));
    this.copies.assertAllowed(row);
    return row;
  }
}
/** @throws EtlError `request.key-reused` */
function same(twin: Backfill, { parts, step }: { parts: readonly { from: string; to: string }[]; step?: string | undefined }): Backfill {
  if (twin.slices[0]!.from !== parts[0]!.from || twin.slices.at(-1)!.to !== parts.at(-1)!.to || twin.step !== (step ?? null)) throw new EtlError('request.key-reused');
  return twin;
}
