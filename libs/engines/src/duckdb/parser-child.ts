import { EtlError } from '@agent-etl/contracts';
import { compile, identifier, joinSql, sqlFor } from '@agent-etl/sql-safety';
import { DuckChild } from './duck-child.ts';

const sql = sqlFor('duckdb');
/** CPU that one question may take. Not time: on a machine that is busy with others an honest text waits longer than that. */
const PARSE_MS = 250;
/** A child that has not answered after this time hangs, whatever it did. */
const LONGEST_MS = 5_000;
const MEMORY_BYTES = 128 * 1024 * 1024;

/** Texts that share one question to the child, and their characters: what shares its CPU must need little of it. */
const MOST_TOGETHER = 16;
const MOST_CHARACTERS = 32_768;
interface Waiting { readonly text: string; readonly resolve: (tree: string) => void; readonly reject: (error: unknown) => void }

/** DuckDB's own parser in a locked child that holds no data: nothing that it reads is ever run. A child that takes too long or dies is replaced.
 * Texts that come while it is busy are asked together; where one of them is its end, each is asked again alone. */
export class ParserChild {
  private child: Promise<DuckChild> | null = null;
  private readonly waiting: Waiting[] = [];
  private isBusy = false;
  private readonly scratch: string;
  private readonly about: string;
  constructor(scratch: string, about: string) {
    this.scratch = scratch;
    this.about = about;
  }

  /** @returns what the serialiser says of a text, as JSON
   * @throws EtlError `sql.parser-lost` when the parser died or did not answer in time */
  tree(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ text, resolve, reject });
      if (!this.isBusy) void this.work();
    });
  }
  /** Ends the child; a text that still waits is answered with `sql.parser-lost`. */
  async stop(): Promise<void> {
    for (const { reject } of this.waiting.splice(0)) reject(new EtlError('sql.parser-lost'));
    await this.dismiss();
  }
  private async dismiss(): Promise<void> {
    const child = this.child;
    this.child = null;
    await (await child?.catch(() => null))?.stop();
  }

  private async work(): Promise<void> {
    this.isBusy = true;
    while (this.waiting.length) {
      const some = this.waiting.splice(0, together(this.waiting));
      const isAnswered = some.length > 1 && await this.answer(some).catch(() => false);
      if (!isAnswered) for (const each of some) await this.answer([each]).catch(each.reject);
    }
    this.isBusy = false;
  }
  private async answer(some: readonly Waiting[]): Promise<true> {
    const trees = await this.ask(some.map(({ text }) => text));
    for (const [nth, { resolve }] of some.entries()) resolve(trees[nth]!);
    return true;
  }
  private async ask(texts: readonly string[]): Promise<readonly string[]> {
    try {
      const child = await (this.child ??= DuckChild.start({ about: this.about, scratch: this.scratch, threads: 1, memoryBytes: MEMORY_BYTES }));
      const columns = texts.map((text, nth) => sql`json_serialize_sql(CAST(${text} AS VARCHAR)) AS ${identifier(`t${nth}`)}`);
      const [row] = await within(child, (signal) => child.query(compile(sql`SELECT ${joinSql(columns, sql`, `)}`), signal));
      // An interrupt that comes late ends a statement without rows, and without an error.
      return texts.map((_, nth) => { const tree = row?.[`t${nth}`]; if (typeof tree !== 'string') throw new TypeError('the parser gave no tree'); return tree; });
    } catch (cause) {
      await this.dismiss();
      throw new EtlError('sql.parser-lost', {}, { cause });
    }
  }
}

function together(waiting: readonly Waiting[]): number {
  let [count, characters] = [0, 0];
  for (const { text } of waiting.slice(0, MOST_TOGETHER)) {
    characters += text.length;
    if (count > 0 && characters > MOST_CHARACTERS) break;
    count += 1;
  }
  return count;
}
/** Aborts a question that has taken its CPU, or its time. */
async function within<T>(child: DuckChild, asking: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const [spent, began, limit] = [child.cpuMs ?? 0, performance.now(), new AbortController()];
  const watch = setInterval(() => { if ((child.cpuMs ?? Infinity) - spent >= PARSE_MS || performance.now() - began >= LONGEST_MS) limit.abort(); }, PARSE_MS);
  try { return await asking(limit.signal); } finally { clearInterval(watch); }
}
