import type { Query } from '@agent-etl/contracts';
import { type ForeignDialect, queryText } from './frontends/duckdb/foreign-dialect.ts';
import { lowerQuery } from './frontends/duckdb/lower-query.ts';
import { type QueryPolicy, type Schema } from './query/policy.ts';
import { checkQuery } from './query/check-query.ts';
import type { ValidatedQuery } from './query/validated-query.ts';
import { Refusal } from './refusal.ts';

/** A text of a dialect as it was written. */
export interface Written { readonly text: string; readonly dialect: ForeignDialect }

/** What the parser is given for a query.
 * @throws Refusal */
export const parserText = ({ text, dialect }: Written): string => queryText(text, dialect);
/** A query as a closed tree, from what the parser said of `parserText`.
 * @throws Refusal whose offset counts characters of the text */
export const readQuery = (written: Written, tree: string): Query => inCharacters(written, () => lowerQuery(tree, written));
/** Reads and checks at once.
 * @throws Refusal whose offset counts characters of the text */
export const validateQuery = (written: Written, tree: string, at: { readonly schema: Schema; readonly policy: QueryPolicy }): ValidatedQuery => inCharacters(written, () => checkQuery(lowerQuery(tree, written), at));

/** The parser counts bytes of UTF-8. */
function inCharacters<T>({ text }: Written, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Refusal) || error.offset === null) throw error;
    throw new Refusal(error.code, error.message, characterAt(text, error.offset));
  }
}
const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
/** The character at a byte of the UTF-8 of a text. */
export const characterAt = (text: string, byte: number): number => decoder.decode(encoder.encode(text).subarray(0, byte)).replace(/\uFFFD$/, '').length;
