import { z } from 'zod';

type Json = Record<string, unknown>;

/** JSON Schemas of zod schemas for one document: nouns with an id stand once, under one name, and are referred to everywhere else. */
export class SchemaComponents {
  readonly #nouns = new Map<string, Json>();
  readonly #prefix: string;
  /** @param prefix where the document keeps them, such as `#/components/schemas/` */
  constructor(prefix: string) { this.#prefix = prefix; }

  /** The schema, or a reference to it. Input is meant: a reader ignores members it does not know. */
  of(schema: z.ZodType): Json {
    const { $defs, $schema: _, ...root } = this.#rewrite(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })) as Json & { $defs?: Record<string, Json> };
    for (const [name, noun] of Object.entries($defs ?? {})) this.#add(name, noun);
    const { id } = root;
    if (typeof id !== 'string') return root;
    this.#add(id, root);
    return { $ref: `${this.#prefix}${id}` };
  }
  all(): Record<string, Json> { return Object.fromEntries([...this.#nouns].sort(([a], [b]) => (a < b ? -1 : 1))); }

  #add(name: string, noun: Json): void {
    const { id: _, ...rest } = noun;
    this.#nouns.set(name, rest);
  }
  #rewrite(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#rewrite(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) =>
      [key, key === '$ref' && typeof member === 'string' ? member.replace('#/$defs/', this.#prefix) : this.#rewrite(member)]));
  }
}
