const [LINE_END, RETURN, QUOTE, SPACE] = [0x0a, 0x0d, 0x22, 0x20];
/** What was read last: a cell may begin, a cell, a cell between quotes, a quote that closes unless another follows, what may not follow that, or half a line end. */
type At = 'start' | 'cell' | 'quoted' | 'closed' | 'broken' | 'return';

/** A quote opens only where a cell begins, spaces aside; elsewhere it is a letter. */
function next(at: At, byte: number, delimiter: number): At {
  if (at === 'quoted') return byte === QUOTE ? 'closed' : 'quoted';
  if (byte === LINE_END || byte === delimiter) return 'start';
  if (byte === RETURN) return 'return';
  if (byte === QUOTE) return at === 'cell' || at === 'broken' ? at : 'quoted';
  if (byte === SPACE) return at === 'return' ? 'start' : at;
  return at === 'closed' || at === 'broken' ? 'broken' : 'cell';
}

/** Measures the rows of a text from its beginning, part by part. */
export class RowLengths {
  private readonly delimiter: number | null;
  private readonly limit: number;
  private tooLong: number | null = null;
  private at: At = 'start';
  private ended = 0; // rows
  private open = 0; // bytes of the row that has not ended
  /** @param delimiter of cells, of which those in quotes may hold line ends; null where every line is a row
   * @param limit bytes of a row without its line end */
  constructor({ delimiter, limit }: { readonly delimiter: string | null; readonly limit: number }) {
    this.delimiter = delimiter?.charCodeAt(0) ?? null;
    this.limit = limit;
  }

  /** Number of the first row that is longer than the limit, from 1 with the header, or null. A row that is open counts. */
  get firstTooLong(): number | null { return this.tooLong; }
  /** Whether the text ends in a quote that is not closed, and the row that is too long is the one that holds it. */
  get isUnclosed(): boolean { return this.at === 'quoted' && this.tooLong === this.ended + 1; }

  add(part: Buffer): void {
    const { delimiter } = this;
    if (delimiter === null) this.addLines(part);
    else if (this.at === 'quoted' || this.at === 'return' || part.indexOf(QUOTE) >= 0 || (part.indexOf(LINE_END) < 0 && part.indexOf(RETURN) >= 0)) this.addCells(part, delimiter);
    else {
      this.addLines(part);
      const last = part.findLast((byte) => byte !== SPACE);
      if (last !== undefined) this.at = next('cell', last, delimiter);
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
  private addCells(part: Buffer, delimiter: number): void {
    let { at } = this;
    let from = 0;
    for (let index = 0; index < part.length; index += 1) {
      const byte = part[index]!;
      const before = at;
      at = next(before, byte, delimiter);
      if (at === 'quoted' || (byte !== LINE_END && byte !== RETURN)) continue;
      if (byte === RETURN || before !== 'return') this.end(index - from);
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
  let at: At = 'quoted';
  for (const byte of rows.subarray(from)) {
    at = next(at, byte, delimiter.charCodeAt(0));
    if (at === 'broken' || (at !== 'quoted' && (byte === LINE_END || byte === RETURN))) return true;
  }
  return at === 'quoted';
}
