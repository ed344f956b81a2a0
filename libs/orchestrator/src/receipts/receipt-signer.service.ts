import type { KeyObject } from 'node:crypto';
import { DEFAULT_TENANT, type Failure, type Receipt } from '@agent-etl/contracts';
import { Inject, Injectable } from '@nestjs/common';
import type { RunRecord } from '../runs/run-record.ts';
import { proofOf } from './receipt-rules.ts';
import { signReceipt } from './receipt-signature.ts';

export const SIGNING_KEY = Symbol('key that signs receipts');

@Injectable()
export class ReceiptSigner {
  private readonly key: KeyObject;
  constructor(@Inject(SIGNING_KEY) key: KeyObject) { this.key = key; }
  /** The signed proof of a finished copy, or why there is none. */
  prove(run: RunRecord): { receipt: Receipt } | { failure: Failure } {
    const proof = proofOf(run, DEFAULT_TENANT.name);
    return 'body' in proof ? { receipt: signReceipt(proof.body, this.key) } : proof;
  }
}
