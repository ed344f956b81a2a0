import type { Socket } from 'node:net';
import type pg from 'pg';

// The driver hands these to whatever it was asked to submit; its types do not name them.
interface Wire { readonly stream: Socket; query(text: string): void; sync(): void; sendCopyFromChunk(chunk: Buffer): void; endCopyFrom(): void; sendCopyFail(why: string): void }
interface Settle { resolve(rows: number): void; reject(error: unknown): void }
const rowsOf = (tag: string): number => Number(/(\d+)$/.exec(tag)?.[1] ?? 0);

/** What both directions share: one statement, its end, its error. */
class CopyStatement {
  #error: unknown = null;
  #rows = 0;
  constructor(readonly text: string, readonly settle: Settle) {}
  submit(connection: unknown): void { (connection as Wire).query(this.text); }
  handleCommandComplete({ text }: { text: string }): void { this.#rows = rowsOf(text); }
  handleError(error: unknown): void { this.#error = error; this.settle.reject(error); }
  handleReadyForQuery(): void { if (this.#error === null) this.settle.resolve(this.#rows); }
  handleCopyInResponse(connection: unknown): void { (connection as Wire).sendCopyFail('nothing is sent here'); }
  handleCopyData(_: { chunk: Buffer }, connection: unknown): void { void connection; }
  handleRowDescription(): void { /* a COPY describes none */ }
  handleDataRow(): void { /* nor has it rows of a result */ }
  handleEmptyQuery(): void { /* it is never empty */ }
}
class OutStatement extends CopyStatement {
  constructor(text: string, settle: Settle, readonly onRow: (row: Buffer) => Promise<void> | null) { super(text, settle); }
  override handleCopyData({ chunk }: { chunk: Buffer }, connection: unknown): void {
    const { stream } = connection as Wire;
    const full = this.onRow(chunk);
    if (!full) return;
    stream.pause();
    full.then(() => { stream.resume(); }, (error: unknown) => { stream.resume(); this.settle.reject(error); });
  }
}
class InStatement extends CopyStatement {
  constructor(text: string, settle: Settle, readonly chunks: AsyncIterable<Buffer>) { super(text, settle); }
  override handleCopyInResponse(connection: unknown): void {
    const wire = connection as Wire;
    this.#send(wire).then(() => { wire.endCopyFrom(); }, (error: unknown) => { this.settle.reject(error); wire.sendCopyFail('the archive ended early'); });
  }
  async #send(wire: Wire): Promise<void> {
    for await (const chunk of this.chunks) {
      wire.sendCopyFromChunk(chunk);
      if (wire.stream.writableNeedDrain) await new Promise((done) => { wire.stream.once('drain', done); wire.stream.once('close', done); });
      if (wire.stream.destroyed) throw new Error('the connection was lost');
    }
  }
}

/** Runs a COPY … TO STDOUT.
 * @param onRow gets each row as bytes; a promise makes the server wait until it is kept
 * @returns rows by the server's count */
export const copyOut = (client: pg.Client, text: string, onRow: (row: Buffer) => Promise<void> | null): Promise<number> =>
  new Promise((resolve, reject) => { client.query(new OutStatement(text, { resolve, reject }, onRow) as unknown as pg.Submittable); });

/** Runs a COPY … FROM STDIN with chunks that may be cut anywhere. What the chunks throw fails the statement.
 * @returns rows by the server's count */
export const copyIn = (client: pg.Client, text: string, chunks: AsyncIterable<Buffer>): Promise<number> =>
  new Promise((resolve, reject) => { client.query(new InStatement(text, { resolve, reject }, chunks) as unknown as pg.Submittable); });
