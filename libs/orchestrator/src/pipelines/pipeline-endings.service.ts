import { Injectable } from '@nestjs/common';
import { RunEndings } from '../runs/run-endings.ts';
import { PipelinesRepository } from './pipelines.repository.ts';

/** Who is told of copies that end. */
@Injectable()
export class PipelineEndings {
  constructor(pipelines: PipelinesRepository, endings: RunEndings) {
    endings.on('copy', async (tx, { pipelineId, runId, state }) => { if (pipelineId) await pipelines.ran(tx, pipelineId, { runId, state }); });
  }
}
