import { type GivenUp, givenUpFailure, readHeaders, typeOf } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { RequestsService } from '../requests/requests.service.ts';
import { RunsService } from '../runs/runs.service.ts';
import { waitingFor } from './given-up-rules.ts';

/** Ends what would wait for ever for a message that this service gave up. */
@Injectable()
export class GivenUpMessages {
  constructor(private readonly requests: RequestsService, private readonly runs: RunsService) {}

  async end(letter: GivenUp, tx: TenantTx): Promise<void> {
    const read = readHeaders(letter.message);
    const { topic, key } = letter.message;
    const waiting = waitingFor({ topic, type: typeOf(letter), key, json: letter.json, requestId: read.kind === 'message' ? read.meta.id : null });
    const failure = givenUpFailure(letter);
    if (waiting?.kind === 'run') await this.runs.giveUp(tx, waiting, failure);
    // A sender is told what is wrong with the message itself, and where it is kept.
    if (waiting?.kind === 'requester') await this.requests.reject(tx, waiting.requestId, letter.failure.code === 'message.malformed' ? { ...letter.failure, next: failure.next } : failure);
  }
}
