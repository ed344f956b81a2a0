import { EtlError, PipelineId, PlanId } from '@agent-etl/contracts';
import { type RenderedDag, renderDag } from '@agent-etl/dag-rendering';
import { type GivenUp, Outbox, givenUpFailure } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { crashPoint } from '@agent-etl/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { FilePublisher, digestOf } from '../publishing/file-publisher.service.ts';
import { type Folders, folderFor } from '../publishing/folder-rules.ts';
import { AddressBook } from './address-book.repository.ts';
import { type Approved, type DagArtifactEntity } from './dag-artifact.entity.ts';
import { DagArtifactsRepository } from './dag-artifacts.repository.ts';
import { afterFailure, tenantLabel } from './rendering-rules.ts';

export const FOLDERS = Symbol('folders for DAG files');
/** Notified when something waits to be rendered. */
export const RENDERING_CHANNEL = 'dag_rendering';

const WithPlan = z.object({ pipelineId: PipelineId, planId: PlanId });

/** Makes the DAG of an approved plan and puts it where it belongs. */
@Injectable()
export class RenderingService {
  constructor(
    private readonly artifacts: DagArtifactsRepository, private readonly addresses: AddressBook, private readonly files: FilePublisher,
    private readonly outbox: Outbox<'dag-generator'>, @Inject(FOLDERS) private readonly folders: Folders,
  ) {}

  /** Keeps an approval; a free loop of any process renders it. */
  async enqueue(tx: TenantTx, approved: Approved): Promise<void> {
    await this.artifacts.add(tx, approved);
    await this.addresses.learn(tx, approved);
    await tx.notify(RENDERING_CHANNEL);
  }

  /** An approval that was given up never becomes a row: there is no DAG. */
  async giveUp(tx: TenantTx, letter: GivenUp): Promise<void> {
    const about = WithPlan.safeParse(letter.json).data;
    if (!about) return;
    await this.artifacts.lockPipeline(tx, about.pipelineId);
    await this.outbox.add(tx, 'dag.failed.v1', { ...about, failure: givenUpFailure(letter) });
  }

  /** Renders and publishes one waiting plan. File and row agree whenever it ends: a crash between them repeats the same bytes, which then change nothing. */
  async render(tx: TenantTx, planId: string): Promise<void> {
    const artifact = await this.artifacts.claim(tx, planId);
    if (!artifact) return;
    const oldPath = await this.artifacts.lockPipeline(tx, artifact.pipelineId);
    const isCurrent = await this.artifacts.isCurrent(tx, artifact);
    try {
      const rendered = await this.#checked(tx, artifact);
      crashPoint('dag.rendered');
      await this.#keep(tx, artifact, rendered);
      await (isCurrent ? this.#publish(tx, artifact, { rendered, oldPath }) : this.artifacts.save(tx, Object.assign(artifact, { state: 'superseded', path: null })));
    } catch (error) {
      await this.#failed(tx, artifact, error);
    }
  }

  /** What follows when the transaction of a rendering broke, such as over a row that this release does not read: only its columns are touched. */
  async failed(tx: TenantTx, planId: string, error: unknown): Promise<void> {
    const row = await this.artifacts.lockTries(tx, planId);
    if (!row) return;
    const next = afterFailure(error, row.tries + 1);
    await this.artifacts.note(tx, planId, next);
    if (next.then !== 'failed') return;
    tx.hold(row.pipelineId);
    await this.outbox.add(tx, 'dag.failed.v1', { pipelineId: PipelineId.parse(row.pipelineId), planId: PlanId.parse(planId), failure: next.failure });
  }

  async #checked(tx: TenantTx, { approved, tenantId, pipelineId }: DagArtifactEntity): Promise<RenderedDag> {
    const { plan, planId, approvedAt, airflow } = approved;
    const addresses = await this.addresses.known(tx) ?? approved.addresses ?? {};
    const rendered = renderDag({ plan, planId, approvedAt, addresses, tenant: tenantLabel(tenantId) }, airflow);
    const clash = await this.artifacts.clash(tx, pipelineId, { assets: assetsOf(rendered), addresses: Object.values(addresses) });
    if (clash) throw new EtlError('dag.invalid', { field: 'asset/name', problem: `${clash} stands for another dataset in another pipeline` });
    return rendered;
  }
  async #keep(tx: TenantTx, artifact: DagArtifactEntity, rendered: RenderedDag): Promise<void> {
    const { dagId, target, text } = rendered;
    Object.assign(artifact, { dagId, target, body: text, digest: digestOf(text), assets: assetsOf(rendered), publishedAt: new Date(await tx.now()), failure: null });
  }
  async #publish(tx: TenantTx, artifact: DagArtifactEntity, { rendered, oldPath }: { rendered: RenderedDag; oldPath: string | null }): Promise<void> {
    const { approved, pipelineId, planId, latestAt } = artifact;
    const { fileName, text, dagId } = rendered;
    const folder = folderFor(approved.plan.driver, approved.airflow.folder, this.folders);
    const path = folder === null ? null : await this.files.publish(folder, fileName, text);
    if (oldPath !== null && oldPath !== path) await this.files.retire(oldPath);
    await this.artifacts.keepPath(tx, pipelineId, path);
    await this.artifacts.supersedeOthers(tx, artifact);
    await this.artifacts.save(tx, Object.assign(artifact, { state: 'published', path }));
    await this.outbox.add(tx, 'dag.published.v1', { pipelineId: approved.pipelineId, planId: approved.planId, dagId, digest: digestOf(text), path: path ?? fileName, approvedAt: latestAt.toISOString() });
  }
  async #failed(tx: TenantTx, artifact: DagArtifactEntity, error: unknown): Promise<void> {
    const tries = artifact.tries + 1;
    const { pipelineId, planId } = artifact.approved;
    const next = afterFailure(error, tries);
    if (next.then === 'again') {
      return this.artifacts.save(tx, Object.assign(artifact, { tries, nextAt: new Date(Date.parse(await tx.now()) + next.inMs) }));
    }
    await this.artifacts.save(tx, Object.assign(artifact, { tries, state: 'failed', failure: next.failure }));
    await this.outbox.add(tx, 'dag.failed.v1', { pipelineId, planId, failure: next.failure });
  }
}
const assetsOf = ({ spec }: RenderedDag): [string, string][] => spec.tasks.flatMap(({ reads, writes }) => [...reads, ...writes].map(([name, uri]): [string, string] => [name, uri]));
