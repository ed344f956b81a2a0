import { type Paint, paintFor } from '../screens/ansi.ts';

export interface OutputOptions { readonly json?: boolean; readonly events?: boolean; readonly quiet?: boolean; readonly noColor?: boolean }
export interface Streams { readonly out: NodeJS.WritableStream & { isTTY?: boolean }; readonly err: NodeJS.WritableStream & { isTTY?: boolean } }

/** Where a command speaks: results to stdout, progress and errors to stderr. With --json stdout gets exactly one document. */
export class Output {
  readonly paint: Paint;
  readonly errorPaint: Paint;
  readonly #options: OutputOptions;
  readonly #streams: Streams;
  #lineOpen = false;
  constructor(options: OutputOptions, env: Readonly<Record<string, string | undefined>>, streams: Streams = { out: process.stdout, err: process.stderr }) {
    this.#options = options;
    this.#streams = streams;
    this.paint = paintFor({ isTerminal: streams.out.isTTY, noColor: options.noColor, env });
    this.errorPaint = paintFor({ isTerminal: streams.err.isTTY, noColor: options.noColor, env });
  }
  get wantsJson(): boolean { return this.#options.json === true || this.#options.events === true; }
  get isTerminal(): boolean { return this.#streams.err.isTTY === true; }

  /** The answer: the document with --json, else the lines. */
  result(document: unknown, lines: () => readonly string[]): void {
    this.#closeLine();
    if (this.#options.json) { this.#streams.out.write(`${JSON.stringify(document, null, 2)}\n`); return; }
    if (!this.#options.quiet && !this.#options.events) for (const line of lines()) this.#streams.out.write(`${line}\n`);
  }
  /** One NDJSON line with --events. */
  event(type: string, value: unknown): void {
    if (this.#options.events) this.#streams.out.write(`${JSON.stringify({ type, at: new Date().toISOString(), ...Object(value) })}\n`);
  }
  /** Lines of a screen that grows while work goes on: stdout for people, nothing for scripts. */
  show(lines: readonly string[]): void {
    this.#closeLine();
    if (!this.#options.quiet && !this.wantsJson) for (const line of lines) this.#streams.out.write(`${line}\n`);
  }
  note(line: string): void {
    this.#closeLine();
    if (!this.#options.quiet) this.#streams.err.write(`${line}\n`);
  }
  /** What a person has to do before anything goes on. Quiet says why as well: no screen has shown it. */
  needsPerson(why: readonly string[], next: string): void {
    this.#closeLine();
    for (const line of this.#options.quiet ? [...why, next] : [next]) this.#streams.err.write(`${line}\n`);
  }
  /** Overwrites the line before it; only a terminal sees it. */
  progress(line: string): void {
    if (!this.isTerminal || this.#options.quiet) return;
    this.#streams.err.write(`\r\u001b[2K${line.slice(0, 110)}`);
    this.#lineOpen = true;
  }
  error(document: unknown, lines: readonly string[]): void {
    this.#closeLine();
    if (this.wantsJson) this.#streams.out.write(`${JSON.stringify(document, null, this.#options.events ? 0 : 2)}\n`);
    for (const line of lines) this.#streams.err.write(`${line}\n`);
  }
  #closeLine(): void {
    if (!this.#lineOpen) return;
    this.#streams.err.write('\r\u001b[2K');
    this.#lineOpen = false;
  }
}
