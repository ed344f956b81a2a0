const [QUOTE, COMMA, LINE_END] = [0x22, 0x2c, 0x0a];
const NOTHING = Buffer.from('NULL');
/** Makes another text of a cell, or answers undefined for one that the target would not keep as it is. */
export type Respell = (text: string) => string | undefined;
export interface Place { readonly row: number; readonly column: number }
type State = 'cell' | 'plain' | 'quoted' | 'closing';

/** A cell that was refused before it was sent. */
export class RefusedCell extends Error {
  constructor(readonly place: Place, readonly value: string) { super('a cell that the target does not keep'); }
}

/** Turns the text carrier into what LOAD DATA reads, as its bytes come and cut anywhere: nothing between two commas becomes NULL, which LOAD DATA would take for an empty text, and every
 * other cell is quoted, so that the word NULL stays a text. Quoted cells pass untouched, unless their column is spelled otherwise there. */
export class InfileText {
  rows = 0;
  /** Cell that was asked for, once it has passed. */
  seen: string | null = null;
  #out = Buffer.allocUnsafe(1 << 16);
  #used = 0;
  #state: State = 'cell';
  #column = 0;
  #gathered: Buffer[] | null = null;
  constructor(private readonly columns: readonly (Respell | null)[], private readonly wanted: Place | null = null) {}

  /** @returns bytes to send, which the next call overwrites. @throws RefusedCell; Error for a carrier with other columns than these */
  push(bytes: Uint8Array): Buffer {
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#used = 0;
    for (let at = 0; at < piece.length;) at = this.#state === 'cell' ? this.#begin(piece, at) : this.#go(piece, at);
    return this.#out.subarray(0, this.#used);
  }
  /** @throws Error when the bytes ended inside a row */
  end(): void { if (this.#state !== 'cell' || this.#column !== 0) throw new Error('the text carrier ended inside a row'); }

  #begin(piece: Buffer, at: number): number {
    const first = piece[at]!;
    if (first === COMMA || first === LINE_END) {
      this.#put(NOTHING);
      return this.#ended(first, at);
    }
    const isGathered = this.columns[this.#column] !== null || (this.wanted?.row === this.rows + 1 && this.wanted.column === this.#column);
    this.#gathered = isGathered ? [] : null;
    this.#state = first === QUOTE ? 'quoted' : 'plain';
    if (!isGathered) this.#byte(QUOTE);
    return first === QUOTE ? at + 1 : at;
  }
  #go(piece: Buffer, at: number): number {
    if (this.#state === 'quoted') {
      const quote = piece.indexOf(QUOTE, at);
      this.#take(piece, at, quote < 0 ? piece.length : quote);
      if (quote < 0) return piece.length;
      this.#state = 'closing';
      return quote + 1;
    }
    if (this.#state === 'closing' && piece[at] === QUOTE) { // two quotes stand for one
      this.#take(piece, at, at + 1);
      if (this.#gathered === null) this.#byte(QUOTE);
      this.#state = 'quoted';
      return at + 1;
    }
    let end = at;
    if (this.#state === 'plain') while (end < piece.length && piece[end] !== COMMA && piece[end] !== LINE_END) end += 1;
    this.#take(piece, at, end);
    if (end === piece.length) return end;
    this.#close();
    return this.#ended(piece[end]!, end);
  }
  #ended(by: number, at: number): number {
    if (by !== COMMA && by !== LINE_END) throw new Error('the text carrier has a cell that does not end');
    this.#byte(by);
    this.#state = 'cell';
    this.#column += 1;
    if (by === COMMA) return at + 1;
    if (this.#column !== this.columns.length) throw new Error(`the text carrier has ${this.#column} cells in a row of ${this.columns.length}`);
    this.#column = 0;
    this.rows += 1;
    return at + 1;
  }
  #close(): void {
    if (this.#gathered === null) { this.#byte(QUOTE); return; }
    const text = Buffer.concat(this.#gathered).toString('utf8');
    this.#gathered = null;
    const place = { row: this.rows + 1, column: this.#column };
    if (this.wanted?.row === place.row && this.wanted.column === place.column) this.seen = text;
    const respell = this.columns[this.#column];
    const spelled = respell ? respell(text) : text;
    if (spelled === undefined) throw new RefusedCell(place, text);
    this.#put(Buffer.from(`"${spelled.replaceAll('"', '""')}"`));
  }
  #take(piece: Buffer, from: number, to: number): void {
    if (from === to) return;
    if (this.#gathered) this.#gathered.push(Buffer.from(piece.subarray(from, to)));
    else this.#put(piece, from, to);
  }
  #byte(byte: number): void {
    if (this.#used === this.#out.length) this.#grow(1);
    this.#out[this.#used] = byte;
    this.#used += 1;
  }
  #put(bytes: Buffer, from = 0, to = bytes.length): void {
    if (this.#used + to - from > this.#out.length) this.#grow(to - from);
    bytes.copy(this.#out, this.#used, from, to);
    this.#used += to - from;
  }
  #grow(more: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#out.length * 2, this.#used + more));
    this.#out.copy(larger, 0, 0, this.#used);
    this.#out = larger;
  }
}
