import type { Query } from '@agent-etl/contracts';
import { type Checked, type QueryPolicy, type Schema, type ValidatedQuery, type Written, checked, parserText, readQuery, validateQuery } from '@agent-etl/sql-safety';
import { ParserChild } from './parser-child.ts';

/** Where a text stands: a JSON pointer, or what says where one of its characters does. */
type Place = string | ((offset: number) => string);

/** Reads SQL of people: one SELECT, of any of the dialects.
 * @property scratch private folder of the caller, absolute */
export class QueryParser {
  private readonly parser: ParserChild;
  constructor(scratch: string) { this.parser = new ParserChild(scratch, 'a query'); }

  /** The closed tree of a text, its names not yet looked up.
   * @param path where the text stands, as a JSON pointer
   * @throws EtlError `sql.parser-lost` when the parser died or did not answer in time */
  read(written: Written, path: Place): Promise<Checked<Query>> { return this.told(written, path, (tree) => readQuery(written, tree)); }
  /** The tree with its names resolved, its types, and what each column comes from. Throws as `read` does. */
  validate(written: Written, at: { readonly path: Place; readonly schema: Schema; readonly policy: QueryPolicy }): Promise<Checked<ValidatedQuery>> { return this.told(written, at.path, (tree) => validateQuery(written, tree, at)); }
  stop(): Promise<void> { return this.parser.stop(); }

  private async told<T>(written: Written, path: Place, work: (tree: string) => T): Promise<Checked<T>> {
    const text = checked(path, () => parserText(written));
    if (!text.ok) return text;
    const tree = await this.parser.tree(text.value);
    return checked(path, () => work(tree));
  }
}
