import { isName } from '../ident/identifier.ts';
import { Refusal } from '../refusal.ts';

/** Names of our own making for relations and results: of letters, digits and _, none given twice, none that a relation of the schema has. */
export class Names {
  private readonly given = new Set<string>();
  private readonly taken: ReadonlySet<string>;
  constructor(taken: ReadonlySet<string>) { this.taken = taken; }
  give(wish: string | null): string {
    const plain = (wish ?? '').toLowerCase().replaceAll(/[^a-z0-9_]/g, '').slice(0, 40);
    const stem = /^[a-z]/.test(plain) ? plain : `q${plain}`;
    let name = stem;
    for (let n = 2; this.taken.has(name) || this.given.has(name); n += 1) name = `${stem}_${n}`;
    this.given.add(name);
    return name;
  }
}
const HIDDEN = /[\p{Cc}\p{Cf}\u2028\u2029]|\$\{/u;
/** Names of columns of a result: each once, whatever their case.
 * @throws Refusal `SQL_IDENTIFIER` for a name that not every engine can have */
export function uniqueNames(wishes: readonly string[]): string[] {
  const taken = new Set(wishes.map((wish) => wish.toLowerCase()));
  const given = new Set<string>();
  return wishes.map((wish) => {
    if (!isName(wish) || HIDDEN.test(wish) || wish !== wish.normalize('NFC')) throw new Refusal('SQL_IDENTIFIER', 'A name has 1 to 63 bytes, and no hidden character');
    let name = wish;
    for (let n = 1; given.has(name.toLowerCase()); n += 1) { const next = `${wish}_${n}`; if (!taken.has(next.toLowerCase()) && !given.has(next.toLowerCase())) name = next; }
    given.add(name.toLowerCase());
    if (!isName(name)) throw new Refusal('SQL_IDENTIFIER', 'Two columns have one long name; give one of them another');
    return name;
  });
}
