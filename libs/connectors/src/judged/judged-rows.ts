import { EtlError, type Judging } from '@agent-etl/contracts';
import type { AsideRow, ByteTarget, ReadCount } from '../port.ts';
import { AsideSpool } from './aside-spool.ts';
import { refusedRow } from './reason-rules.ts';

const [QUOTE, COMMA, LINE_END] = [0x22, 0x2c, 0x0a];
type State = 'at-start' | 'good' | 'bad';

/** Parts the rows of a judged text carrier as its bytes pass. The first cell of a row is what its source says of it: nothing, and the row goes on without that cell; or
 * why it is bad, as JSON, and it leaves the stream. Good rows are moved together where they lie: no object per row. */
export class JudgedRows implements ByteTarget {
  readonly aside: AsideSpool;
  readonly #to: ByteTarget;
  readonly #bad: Judging['bad'];
  #state: State = 'at-start';
  #isQuoted = false;
  #held: Buffer[] = [];
  #kept = 0;
  #refusal: unknown = null;
  /** @param path of a file that nobody else uses, for more rows than memory should hold */
  constructor(to: ByteTarget, bad: Judging['bad'], path: string) {
    this.#to = to;
    this.#bad = bad;
    this.aside = new AsideSpool(path);
  }

  /** Takes nothing more after a bad row that ends the load, or one that could not be kept: whoever reads hears why as soon as it waits. */
  write(bytes: Uint8Array): boolean {
    if (this.#refusal !== null) return false;
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let packed = 0;
    for (let at = 0; at < chunk.length && this.#refusal === null;) {
      if (this.#state === 'at-start') at = this.#begin(chunk, at);
      const end = this.#endOfRow(chunk, at);
      if (this.#state === 'good') {
        if (packed !== at) chunk.copyWithin(packed, at, end);
        packed += end - at;
      } else if (end > at) this.#held.push(Buffer.from(chunk.subarray(at, end)));
      at = end;
      if (end > 0 && chunk[end - 1] === LINE_END && !this.#isQuoted) this.#finish();
    }
    const isTaken = packed === 0 || this.#to.write(chunk.subarray(0, packed));
    return isTaken && this.#refusal === null;
  }
  /** @throws EtlError `data.check-failed` at the first bad row, where bad rows end the load; what the file system said where a row could not be kept */
  async drained(): Promise<void> {
    if (this.#refusal !== null) throw this.#refusal;
    await this.#to.drained();
  }

  /** Compares what passed with what the source says it read, after the last byte. @throws EtlError `sink.reconcile-mismatch`, `data.check-failed` */
  end(count: ReadCount): void {
    if (this.#refusal !== null) throw this.#refusal;
    if (this.#state !== 'at-start') throw new Error('the judged carrier ended inside a row');
    this.aside.unreadAlso(count.unread ?? []);
    const passed = this.#kept + this.aside.rows;
    if (passed !== count.rows) throw new EtlError('sink.reconcile-mismatch', { difference: `${count.rows} rows were read, ${passed} passed` });
  }

  #begin(chunk: Buffer, at: number): number {
    this.#isQuoted = false;
    this.#state = chunk[at] === COMMA ? 'good' : 'bad';
    return this.#state === 'good' ? at + 1 : at;
  }
  /** Where the row ends, behind its line end, or the end of the chunk. */
  #endOfRow(chunk: Buffer, from: number): number {
    let isQuoted = this.#isQuoted;
    let at = from;
    for (; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (byte === QUOTE) isQuoted = !isQuoted;
      else if (byte === LINE_END && !isQuoted) { at += 1; break; }
    }
    this.#isQuoted = isQuoted;
    return at;
  }
  #finish(): void {
    if (this.#state === 'good') this.#kept += 1;
    else this.#setAside();
    this.#state = 'at-start';
  }
  #setAside(): void {
    const said = rowOf(Buffer.concat(this.#held));
    this.#held = [];
    if (this.#bad === 'stop') this.#refusal = refusedRow(said);
    else try { this.aside.add(said); } catch (error) { this.#refusal = error; } // a disk that is full: whoever writes stands in the handler of a socket, where nobody hears a throw
  }
}
interface Said { readonly reason: string; readonly row?: number | string | null; readonly raw: unknown }
/** Reason and number as a list, and behind its line the row itself: what files say. */
function listed(said: string): Said {
  const end = said.indexOf('\n');
  const [reason, row] = JSON.parse(said.slice(0, end)) as [string, number | null];
  return { reason, row, raw: said.slice(end + 1) };
}
/** The first cell of a bad row: in double quotes, doubled inside. */
function rowOf(row: Buffer): AsideRow {
  let end = row.indexOf(QUOTE, 1);
  while (end > 0 && row[end + 1] === QUOTE) end = row.indexOf(QUOTE, end + 2);
  if (end <= 0) throw new Error('the judged carrier has a first cell that does not end');
  const said = row.toString('utf8', 1, end).replaceAll('""', '"');
  const { reason, row: number, raw } = said.startsWith('[') ? listed(said) : JSON.parse(said) as Said;
  return { reason, row: number === null || number === undefined ? null : Number(number), raw: typeof raw === 'string' ? raw : JSON.stringify(raw) };
}
