import type { LedgerRow } from '@agent-etl/connectors';
import type { LoadTask, Progress } from '@agent-etl/contracts';
import { expectedRows, sumsOf } from './load-rules.ts';

interface Flow { rows: number; bytes: number }

/** Adds up what is committed and what is on its way, piece by piece. */
export class LoadProgress {
  private readonly task: LoadTask;
  private readonly send: (progress: Progress) => void;
  private readonly flowing = new Map<string, Flow>();
  private committed: Flow = { rows: 0, bytes: 0 };
  private done = 0;
  private chunks = 0;
  constructor(task: LoadTask, send: (progress: Progress) => void) {
    this.task = task;
    this.send = send;
  }

  connecting(): void { this.say('connecting'); }
  /** @param ledger pieces of earlier attempts */
  begin(chunks: number, ledger: readonly LedgerRow[]): void {
    const { rows, bytes } = sumsOf(ledger);
    this.committed = { rows, bytes };
    this.flowing.clear();
    this.chunks = chunks;
    this.done = ledger.length;
    this.say('copying');
  }
  flow(key: string, rows: number, bytes: number): void {
    this.flowing.set(key, { rows, bytes });
    this.say('copying');
  }
  commit(key: string, flow: Flow): void {
    this.flowing.delete(key);
    this.committed = { rows: this.committed.rows + flow.rows, bytes: this.committed.bytes + flow.bytes };
    this.done += 1;
    this.say('copying');
  }
  drop(key: string): void { this.flowing.delete(key); }
  proving(): void { this.say('proving'); }

  private say(phase: Progress['phase']): void {
    let { rows, bytes } = this.committed;
    for (const flow of this.flowing.values()) {
      rows += flow.rows;
      bytes += flow.bytes;
    }
    const totalRows = this.chunks ? expectedRows(this.task.expectedRows, { rows: this.committed.rows, chunks: this.done }, this.chunks) : this.task.expectedRows ?? null;
    this.send({ phase, rows, totalRows: totalRows === null ? null : Math.max(totalRows, rows), bytes, chunksDone: this.done, chunks: this.chunks });
  }
}
