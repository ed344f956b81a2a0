const [QUOTE, COMMA, LINE_END, RETURN] = [0x22, 0x2c, 0x0a, 0x0d];
/** Takes the cells of one row: a text, or null for nothing between two commas. The array is used again for the next row. */
export type TakeRow = (cells: readonly (string | null)[]) => void;

/** Splits the text carrier into rows as its bytes come: commas, double quotes, doubled inside. What is cut at the end of a piece waits for the next one. */
export class CsvRows {
  #rest: Buffer = Buffer.alloc(0);
  #wanted = 0;
  readonly #cells: (string | null)[] = [];
  constructor(private readonly take: TakeRow) {}

  push(bytes: Uint8Array): void {
    this.#rest = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    if (this.#rest.length < this.#wanted) return;
    const used = this.#split(this.#rest);
    this.#rest = this.#rest.subarray(used);
    // A row of megabytes is not looked at again for every piece that it comes in.
    this.#wanted = used === 0 ? this.#rest.length * 2 : 0;
  }
  /** @throws Error when the bytes end inside a row */
  end(): void {
    this.#wanted = 0;
    this.#rest = this.#rest.subarray(this.#split(this.#rest));
    if (this.#rest.length > 0) throw new Error('the text carrier ended inside a row');
  }
  /** @returns bytes of the rows that are complete */
  #split(bytes: Buffer): number {
    let done = 0;
    for (;;) {
      const next = this.#row(bytes, done);
      if (next < 0) return done;
      done = next;
      this.take(this.#cells);
    }
  }
  /** Reads one row into the cells. @returns where the next begins, -1 when this one is not complete */
  #row(bytes: Buffer, start: number): number {
    const cells = this.#cells;
    cells.length = 0;
    for (let at = start; ;) {
      const end = bytes[at] === QUOTE ? closing(bytes, at + 1) : plainEnd(bytes, at);
      if (end < 0 || end >= bytes.length) return -1;
      const isQuoted = bytes[at] === QUOTE;
      cells.push(isQuoted ? unquoted(bytes, at + 1, end - 1) : end === at ? null : bytes.toString('utf8', at, end));
      const after = bytes[end] === RETURN ? end + 1 : end;
      if (bytes[after] === LINE_END) return after + 1;
      if (bytes[after] !== COMMA) { if (after >= bytes.length) return -1; throw new Error('the text carrier has a cell that does not end'); }
      at = after + 1;
    }
  }
}
/** Where the cell ends: after its closing quote; -1 when that has not come, or may be half of two. */
function closing(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(QUOTE, from); at >= 0; at = bytes.indexOf(QUOTE, at + 2)) if (bytes[at + 1] !== QUOTE) return at + 1 < bytes.length ? at + 1 : -1;
  return -1;
}
function plainEnd(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== COMMA && bytes[at] !== LINE_END && bytes[at] !== RETURN) at += 1;
  return at;
}
function unquoted(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString('utf8', from, to);
  return text.includes('"') ? text.replaceAll('""', '"') : text;
}
