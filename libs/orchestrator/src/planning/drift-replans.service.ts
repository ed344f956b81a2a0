import { EtlError } from '@agent-etl/contracts';
import type { TenantTx } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { PipelinesRepository } from '../pipelines/pipelines.repository.ts';
import { Intake } from '../requests/intake.service.ts';
import { RunEndings } from '../runs/run-endings.ts';
import type { RunRecord } from '../runs/run-record.ts';
import { replanId } from './drift-replans-rules.ts';

/** Asks for a new plan where a run met a changed source and its pipeline says evolve. What that plan may do is decided like that of any other request. */
@Injectable()
export class DriftReplans {
  constructor(private readonly pipelines: PipelinesRepository, private readonly intake: Intake, endings: RunEndings) { endings.on('copy', (tx, run) => this.ask(tx, run)); }

  private async ask(tx: TenantTx, run: RunRecord): Promise<void> {
    if (run.failure?.code !== 'source.schema-drifted') return;
    const pipeline = await this.pipelines.byName(tx, run.pipeline);
    const requestId = pipeline && replanId(run, pipeline.spec);
    if (!requestId) return;
    try {
      await this.intake.take(tx, { requestId, key: null, by: 'drift', body: { requestId, pipeline: pipeline.spec, run: 'now' } });
    } catch (error) { // refused before the first write: the failure of the run stands, and says how a person goes on
      if (!(error instanceof EtlError) || error.row.retry !== 'never') throw error;
    }
  }
}
