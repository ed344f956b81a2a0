const part = Symbol('part of a statement');

/** A statement of our own state database: text with $1, $2 … and the values that belong there. Only the `sql` tag makes one. */
export class Sql {
  readonly [part]: { readonly strings: readonly string[]; readonly values: readonly unknown[] };
  readonly text: string;
  readonly values: readonly unknown[];

  constructor(strings: readonly string[], values: readonly unknown[]) {
    const flat = flatten(strings, values);
    this[part] = flat;
    this.values = flat.values;
    this.text = flat.strings.reduce((text, next, index) => `${text}$${index}${next}`);
  }
}

/** Writes SQL for the state database. Every `${value}` is bound as a parameter; an `Sql` inside is spliced in with its own values.
 * Names of tables and columns stand in the literal text: they cannot be handed in. */
export function sql(text: TemplateStringsArray, ...values: unknown[]): Sql {
  return new Sql(text, values);
}

/** Several pieces with a fixed text between them, such as the rows of one INSERT. An empty list gives empty SQL.
 * @param between taken literally, so it is one of a closed list */
export function joinSql(pieces: readonly Sql[], between: ', ' | ' and ' | ' or ' | ';\n'): Sql {
  const strings = ['', ...pieces.slice(1).map(() => between as string), ''];
  return pieces.length ? new Sql(strings, pieces) : new Sql([''], []);
}

function flatten(strings: readonly string[], values: readonly unknown[]): { strings: string[]; values: unknown[] } {
  const flat = { strings: [strings[0] ?? ''], values: [] as unknown[] };
  values.forEach((value, index) => {
    const after = strings[index + 1] ?? '';
    if (value instanceof Sql) splice(flat, value, after);
    else {
      if (value === undefined) throw new TypeError(`value ${index + 1} of a statement is undefined; null is the absent value of SQL`);
      flat.strings.push(after);
      flat.values.push(value);
    }
  });
  return flat;
}

function splice(flat: { strings: string[]; values: unknown[] }, inner: Sql, after: string): void {
  const { strings, values } = inner[part];
  const [first = '', ...rest] = strings;
  flat.strings[flat.strings.length - 1] += first;
  flat.strings.push(...rest);
  flat.strings[flat.strings.length - 1] += after;
  flat.values.push(...values);
}
