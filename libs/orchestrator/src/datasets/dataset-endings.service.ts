import { Injectable } from '@nestjs/common';
import { RunEndings } from '../runs/run-endings.ts';
import { DatasetsService } from './datasets.service.ts';

/** Who is told of runs that end. */
@Injectable()
export class DatasetEndings {
  constructor(datasets: DatasetsService, endings: RunEndings) {
    endings.on('planning', (tx, run) => datasets.planned(tx, run));
    endings.on('sketch', (tx, run) => datasets.sketched(tx, run));
    endings.on('copy', (tx, run) => datasets.copied(tx, run));
  }
}
