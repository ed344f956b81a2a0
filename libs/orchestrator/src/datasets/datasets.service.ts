import { type DatasetProfile, type DatasetRef, EtlError, RunId, type RunView, type SketchTask } from '@agent-etl/contracts';
import { StateDatabase, type TenantTx } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { ConnectionsRepository } from '../connections/connections.repository.ts';
import { ProjectService } from '../connections/project.service.ts';
import { lookRun } from '../runs/new-run.ts';
import type { RunRecord } from '../runs/run-record.ts';
import { runView } from '../runs/run-view.ts';
import { RunsRepository } from '../runs/runs.repository.ts';
import { RunsService } from '../runs/runs.service.ts';
import { ASKED, SKETCH_MS, UNASKED, datasetOf, latestSketch, remembered } from './dataset-rules.ts';
import { DatasetsRepository } from './datasets.repository.ts';

/** Runs that profile the values of datasets: when somebody asks, and once after the first green run that read a shape, unless the policy says otherwise. */
@Injectable()
export class DatasetsService {
  readonly #rows: RunsRepository;
  constructor(
    private readonly state: StateDatabase, private readonly datasets: DatasetsRepository, private readonly connections: ConnectionsRepository, private readonly project: ProjectService,
    private readonly runs: RunsService, rows: RunsRepository,
  ) { this.#rows = rows; }

  /** What is known now; reads nothing at the source. */
  async get(tenantId: string, id: string): Promise<DatasetProfile> {
    const source = datasetOf(id);
    await this.project.refresh();
    return this.state.inTenantTx(tenantId, async (tx) => {
      await this.connections.named(tx, [source.connection]);
      const shapes = await this.datasets.shapes(tx, source);
      const seen = shapes.find(({ catalogue }) => catalogue !== null);
      const live = await this.datasets.liveRun(tx, source);
      return { ...source, catalogue: seen?.catalogue ?? null, catalogueAt: seen?.catalogueAt ?? null, ...latestSketch(shapes), runId: live === null ? null : RunId.parse(live) };
    });
  }
  /** Starts a run that profiles it, or answers the one that does. @throws EtlError `access.not-found`, `request.invalid` */
  async profile(tenantId: string, id: string): Promise<RunView> {
    const source = datasetOf(id);
    await this.project.refresh();
    return this.state.inTenantTx(tenantId, async (tx) => {
      await this.connections.named(tx, [source.connection]);
      return runView(await this.start(tx, source, { when: 'asked', most: ASKED }));
    });
  }
  private async start(tx: TenantTx, source: DatasetRef, how: Pick<SketchTask, 'when' | 'most'>): Promise<RunRecord> {
    const live = await this.datasets.liveRun(tx, source);
    if (live !== null) return this.#rows.get(tx, live);
    const spec: SketchTask = { id: 'sketch', kind: 'sketch', source, ...how };
    return this.runs.start(tx, lookRun({ spec, pipeline: source.connection, pipelineId: null, requestId: null, now: await tx.now(), deadlineMs: SKETCH_MS }));
  }

  /** Keeps what the catalogues said of a source and of what is read beside it. */
  async planned(tx: TenantTx, { tasks }: RunRecord): Promise<void> {
    const result = tasks[0]?.result;
    if (result?.kind !== 'profile') return;
    for (const seen of [result.source, ...(result.others ?? [])]) if (seen.exists) await this.datasets.keepCatalogue(tx, seen);
  }
  async sketched(tx: TenantTx, { tasks }: RunRecord): Promise<void> {
    const result = tasks[0]?.result;
    if (result?.kind === 'sketch') await this.datasets.keepSketch(tx, result.sketch, remembered(await this.datasets.lock(tx, result.sketch)));
  }
  /** A source whose shape nobody has profiled yet is profiled once a run has read it: never before, and never beside it. */
  async copied(tx: TenantTx, { state, tasks }: RunRecord): Promise<void> {
    const load = tasks.flatMap(({ spec }) => (spec.kind === 'load' ? [spec] : []))[0];
    if (state !== 'succeeded' || !load || this.project.policy.profile === 'asked') return;
    const known = await this.datasets.lock(tx, { ...load.source, fingerprint: load.sourceFingerprint });
    if (known?.sketch || !await this.canBeRead(tx, load.source)) return;
    await this.start(tx, load.source, { when: 'idle', most: UNASKED });
  }
  /** Connectors that can profile values; a connection may be gone by now. */
  private async canBeRead(tx: TenantTx, { connection }: DatasetRef): Promise<boolean> {
    const found = await this.connections.named(tx, [connection]).catch((error: unknown) => { if (error instanceof EtlError && error.code === 'access.not-found') return []; throw error; });
    return found.some(({ connector }) => connector === 'postgres' || connector === 'file');
  }
}
