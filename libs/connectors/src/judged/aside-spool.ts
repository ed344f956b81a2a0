import { closeSync, createReadStream, openSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { AsideRow, AsideRows, ReadCount } from '../port.ts';

const IN_MEMORY = 256 * 1024;
const [BATCH, MOST_CHARACTERS] = [500, 4 * 1024 * 1024];
type Unread = NonNullable<ReadCount['unread']>;

/** Keeps the rows of one piece that are set aside until its transaction takes them: a few in memory, more in a private file. */
export class AsideSpool implements AsideRows {
  readonly #path: string;
  #lines: string[] = [];
  #characters = 0;
  #file: number | null = null;
  #rows = 0;
  #unread: Unread = [];
  constructor(path: string) { this.#path = path; }
  get rows(): number { return this.#rows + this.#unread.length; }

  add(row: AsideRow): void {
    const line = JSON.stringify(row);
    this.#lines.push(line);
    this.#characters += line.length;
    this.#rows += 1;
    if (this.#characters > IN_MEMORY) this.#flush();
  }
  /** Rows that could not be read come first; the numbers of the others are counted over them. */
  unreadAlso(unread: Unread): void { this.#unread = unread.toSorted((a, b) => (a.row ?? 0) - (b.row ?? 0)); }

  async *batches(): AsyncIterable<readonly AsideRow[]> {
    for (let at = 0; at < this.#unread.length; at += BATCH) yield this.#unread.slice(at, at + BATCH);
    let [batch, characters]: [AsideRow[], number] = [[], 0];
    for await (const line of this.#all()) {
      batch.push(this.#numbered(JSON.parse(line) as AsideRow));
      characters += line.length;
      if (batch.length === BATCH || characters > MOST_CHARACTERS) { yield batch; [batch, characters] = [[], 0]; }
    }
    if (batch.length) yield batch;
  }
  drop(): void {
    if (this.#file === null) return;
    closeSync(this.#file);
    this.#file = null;
    rmSync(this.#path, { force: true });
  }

  async *#all(): AsyncIterable<string> {
    if (this.#file !== null) yield* createInterface({ input: createReadStream(this.#path, 'utf8'), crlfDelay: Infinity });
    yield* this.#lines;
  }
  #numbered(row: AsideRow): AsideRow {
    if (row.row === null || this.#unread.length === 0) return row;
    let number = row.row;
    for (const { row: gap } of this.#unread) { if (gap === null || gap > number) break; number += 1; }
    return { ...row, row: number };
  }
  #flush(): void {
    this.#file ??= openSync(this.#path, 'wx', 0o600);
    writeFileSync(this.#file, this.#lines.map((line) => `${line}\n`).join('')); // all of it, or ENOSPC: a single write takes what there is room for
    this.#lines = [];
    this.#characters = 0;
  }
}
