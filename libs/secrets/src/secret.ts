import { inspect } from 'node:util';

/** A value that cannot be printed: String, JSON, inspect and structuredClone see nothing. Open it where it is used, with `use`. */
export class Secret {
  readonly #value: string;
  constructor(value: string) { this.#value = value; }
  use<T>(open: (value: string) => T): T { return open(this.#value); }
  toString(): string { return '[secret]'; }
  toJSON(): string { return '[secret]'; }
  [inspect.custom](): string { return '[secret]'; }
}
