import type { Expr } from '@agent-etl/contracts';
import { type Checked, checked, expressionQuery, lowerExpression } from '@agent-etl/sql-safety';
import { ParserChild } from './parser-child.ts';

/** Reads expressions of people.
 * @property scratch private folder of the caller, absolute */
export class ExpressionParser {
  private readonly parser: ParserChild;
  constructor(scratch: string) { this.parser = new ParserChild(scratch, 'an expression'); }

  /** @param path where the text stands, as a JSON pointer
   * @returns the expression, or what is wrong with the text
   * @throws EtlError `sql.parser-lost` when the parser died or did not answer in time */
  async parse(text: string, path: string): Promise<Checked<Expr>> {
    const query = checked(path, () => expressionQuery(text));
    if (!query.ok) return query;
    const tree = await this.parser.tree(query.value);
    return checked(path, () => lowerExpression(tree));
  }
  stop(): Promise<void> { return this.parser.stop(); }
}
