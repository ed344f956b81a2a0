const [LINE_END, RETURN, QUOTE, SPACE] = [0x0a, 0x0d, 0x22, 0x20];
/** What was read last: a cell may begin, a cell, a cell between quotes, a quote that closes unless another follows, what may not follow that, or half a line end. */
const [START, CELL, QUOTED, CLOSED, BROKEN, HALF] = [0, 1, 2, 3, 4, 5];

/** A quote opens only where a cell begins, spaces aside; elsewhere it is a letter. */
function next(at: number, byte: number, delimiter: number): number {
  if (at === QUOTED) return byte === QUOTE ? CLOSED : QUOTED;
  if (byte === LINE_END || byte === delimiter) return START;
  if (byte === RETURN) return HALF;
  if (byte === QUOTE) return at === CELL || at === BROKEN ? at : QUOTED;
  if (byte === SPACE) return at === HALF ? START : at;
  return at === CLOSED || at === BROKEN ? BROKEN : CELL;
}
/** The same as a table, at the place 256 * at + byte: a text with quotes goes through it byte by byte, but what stands between them. */
const tableOf = (delimiter: number): Uint8Array => Uint8Array.from({ length: 6 * 256 }, (_, place) => next(place >> 8, place & 255, delimiter));

/** Measures the rows of a text from its beginning, part by part. */
export class RowLengths {
  private readonly delimiter: number | null;
  private readonly limit: number;
  private readonly table: Uint8Array;
  private tooLong: number | null = null;
  private at: number = START;
  private ended = 0; // rows
  private open = 0; // bytes of the row that has not ended
  private swallowed = 0; // since the last quote: 1 after a line end between quotes, 2 where something follows it
  /** @param delimiter of cells, of which those in quotes may hold line ends; null where every line is a row
   * @param limit bytes of a row without its line end */
  constructor({ delimiter, limit }: { readonly delimiter: string | null; readonly limit: number }) {
    this.delimiter = delimiter?.charCodeAt(0) ?? null;
    this.limit = limit;
    this.table = tableOf(this.delimiter ?? LINE_END);
  }

  /** Number of the first row that is longer than the limit, from 1 with the header, or null. A row that is open counts. */
  get firstTooLong(): number | null { return this.tooLong; }
  /** Whether the text ends in a quote that is not closed, and the row that is too long is the one that holds it. */
  get isUnclosed(): boolean { return this.at === QUOTED && this.tooLong === this.ended + 1; }

  /** Number of the row that has not ended, from 1 with the header. */
  get openRow(): number { return this.ended + 1; }
  /** Whether the text ends in a quote that is not closed and holds whole lines: rows that somebody meant, most likely. */
  get swallowsLines(): boolean { return this.at === QUOTED && this.swallowed === 2; }

  add(part: Buffer): void {
    const { delimiter } = this;
    if (this.swallowed === 1 && part.length > 0) this.swallowed = 2;
    if (delimiter === null) this.addLines(part);
    else if (this.at === QUOTED || this.at === HALF || part.indexOf(QUOTE) >= 0 || (part.indexOf(LINE_END) < 0 && part.indexOf(RETURN) >= 0)) this.addCells(part);
    else {
      this.addLines(part);
      const last = part.findLast((byte) => byte !== SPACE);
      if (last !== undefined) this.at = next(CELL, last, delimiter);
    }
  }
  private grow(bytes: number): void {
    this.open += bytes;
    if (this.open > this.limit) this.tooLong ??= this.ended + 1;
  }
  private end(bytes: number): void {
    this.grow(bytes);
    this.ended += 1;
    this.open = 0;
  }
  private addLines(part: Buffer): void {
    let from = 0;
    for (let at = part.indexOf(LINE_END); at >= 0; at = part.indexOf(LINE_END, from)) {
      this.end(at - from);
      from = at + 1;
    }
    this.grow(part.length - from);
  }
  private addCells(part: Buffer): void {
    const { table } = this;
    let { at } = this;
    let from = 0;
    for (let index = 0; index < part.length; index += 1) {
      if (at === QUOTED) {
        const end = part.indexOf(LINE_END, index);
        index = part.indexOf(QUOTE, index);
        this.swallowed = index >= 0 ? 0 : end < 0 ? this.swallowed : end < part.length - 1 ? 2 : Math.max(this.swallowed, 1);
      }
      if (index < 0) break;
      const byte = part[index]!;
      const before = at;
      at = table[before * 256 + byte]!;
      if (byte !== LINE_END && byte !== RETURN) continue;
      if (byte === RETURN || before !== HALF) this.end(index - from);
      from = index + 1;
    }
    this.grow(part.length - from);
    this.at = at;
  }
}

/** Whether the last row of a text surely begins in its last bytes, or the text is none that an engine reads: they hold a line end, and if it stood between quotes,
 * a row would end behind it, or what follows could not be. @param tail last bytes of a text */
export function isLastRowWithin(tail: Buffer, delimiter: string): boolean {
  const rows = tail.subarray(0, tail.findLastIndex((byte) => byte !== LINE_END && byte !== RETURN) + 1);
  const from = rows.indexOf(LINE_END) + 1;
  if (from === 0) return false;
  let at: number = QUOTED;
  for (const byte of rows.subarray(from)) {
    at = next(at, byte, delimiter.charCodeAt(0));
    if (at === BROKEN || (at !== QUOTED && (byte === LINE_END || byte === RETURN))) return true;
  }
  return at === QUOTED;
}
