import type { TenantTx } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import type { RunKind } from '@agent-etl/contracts';
import type { RunRecord } from './run-record.ts';

type Ending = (tx: TenantTx, run: RunRecord) => Promise<void>;

/** Who wants to know that a run of a kind has ended. Called once per run, in the transaction that ends it. */
@Injectable()
export class RunEndings {
  readonly #endings = new Map<RunKind, Ending[]>();
  on(kind: RunKind, ending: Ending): void { this.#endings.set(kind, [...this.#endings.get(kind) ?? [], ending]); }
  async ended(tx: TenantTx, run: RunRecord): Promise<void> {
    for (const ending of this.#endings.get(run.kind) ?? []) await ending(tx, run);
  }
}
