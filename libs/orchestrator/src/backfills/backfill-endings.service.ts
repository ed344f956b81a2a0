import { Injectable } from '@nestjs/common';
import { RunEndings } from '../runs/run-endings.ts';
import { BackfillsService } from './backfills.service.ts';

/** Backfills go on when runs end. */
@Injectable()
export class BackfillEndings {
  constructor(backfills: BackfillsService, endings: RunEndings) { endings.on('copy', (tx, run) => backfills.ended(tx, run)); }
}
