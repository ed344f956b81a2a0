import { type DatasetRef, DatasetSketch, EarlierSketch, Profile } from '@agent-etl/contracts';
import { type TenantTx, sql } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { type KnownShape, sketchKey } from './dataset-rules.ts';

/** Shapes of a dataset that are kept. */
const MOST_SHAPES = 5;
export interface ShapeRow extends KnownShape { readonly catalogue: Profile | null }
interface Row { catalogue: unknown; catalogue_at: Date | null; sketch: unknown; earlier: unknown }

/** What is known of datasets, one row per dataset and shape. Values of text columns are never in it. */
@Injectable()
export class DatasetsRepository {
  /** Keeps what a catalogue said when it was planned with. */
  async keepCatalogue(tx: TenantTx, profile: Profile): Promise<void> {
    const { connection, dataset, fingerprint } = profile;
    await tx.run(sql`insert into dataset_profile (tenant_id, connection, dataset, fingerprint, catalogue, catalogue_at) values (${tx.tenantId}, ${connection}, ${dataset}, ${fingerprint}, ${JSON.stringify(profile)}::jsonb, ${await tx.now()})
      on conflict (tenant_id, connection, dataset, fingerprint) do update set catalogue = excluded.catalogue, catalogue_at = excluded.catalogue_at`);
    await this.forgetOldShapes(tx, profile);
  }
  async keepSketch(tx: TenantTx, sketch: DatasetSketch, earlier: readonly EarlierSketch[]): Promise<void> {
    const { connection, dataset, fingerprint, takenAt } = sketch;
    await tx.run(sql`insert into dataset_profile (tenant_id, connection, dataset, fingerprint, sketch, sketched_at, earlier)
      values (${tx.tenantId}, ${connection}, ${dataset}, ${fingerprint}, ${JSON.stringify(sketch)}::jsonb, ${takenAt}, ${JSON.stringify(earlier)}::jsonb)
      on conflict (tenant_id, connection, dataset, fingerprint) do update set sketch = excluded.sketch, sketched_at = excluded.sketched_at, earlier = excluded.earlier`);
    await this.forgetOldShapes(tx, sketch);
  }
  private async forgetOldShapes(tx: TenantTx, { connection, dataset }: DatasetRef): Promise<void> {
    await tx.run(sql`delete from dataset_profile where connection = ${connection} and dataset = ${dataset} and fingerprint not in (select fingerprint from dataset_profile
      where connection = ${connection} and dataset = ${dataset} order by greatest(catalogue_at, sketched_at) desc limit ${MOST_SHAPES})`);
  }

  /** Shapes of a dataset, the one that was seen last first. */
  async shapes(tx: TenantTx, { connection, dataset }: DatasetRef): Promise<ShapeRow[]> {
    const rows = await tx.run<Row>(sql`select catalogue, catalogue_at, sketch, earlier from dataset_profile where connection = ${connection} and dataset = ${dataset} order by greatest(catalogue_at, sketched_at) desc`);
    return rows.map(shapeOf);
  }
  /** The shape of this fingerprint, locked. Null when it is not known. */
  async lock(tx: TenantTx, { connection, dataset, fingerprint }: DatasetRef & { fingerprint: string }): Promise<ShapeRow | null> {
    const [row] = await tx.run<Row>(sql`select catalogue, catalogue_at, sketch, earlier from dataset_profile where connection = ${connection} and dataset = ${dataset} and fingerprint = ${fingerprint} for update`);
    return row ? shapeOf(row) : null;
  }
  /** The run that profiles its values now, or null. */
  async liveRun(tx: TenantTx, dataset: DatasetRef): Promise<string | null> {
    const [row] = await tx.run<{ run_id: string }>(sql`select run_id from run where finished_at is null and target_key = ${sketchKey(dataset)}`);
    return row?.run_id ?? null;
  }
}
const shapeOf = ({ catalogue, catalogue_at: at, sketch, earlier }: Row): ShapeRow =>
  ({ catalogue: Profile.nullable().parse(catalogue), catalogueAt: at?.toISOString() ?? null, sketch: DatasetSketch.nullable().parse(sketch), earlier: z.array(EarlierSketch).parse(earlier) });
