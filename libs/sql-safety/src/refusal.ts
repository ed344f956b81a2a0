import type { Issue } from '@agent-etl/contracts';

export const refusalCodes = [
  'SQL_TOO_LARGE', 'SQL_BAD_CHAR', 'SQL_TOO_DEEP', 'SQL_TOO_MANY_COMMENTS', 'SQL_SYNTAX', 'SQL_NOT_ONE_EXPRESSION', 'SQL_NOT_ONE_SELECT', 'SQL_NODE', 'SQL_KEY', 'SQL_FUNCTION', 'SQL_RELATION', 'SQL_COLUMN', 'SQL_IDENTIFIER', 'SQL_LITERAL',
  'SQL_TYPE', 'SQL_ARITY', 'SQL_AGGREGATE_PLACE', 'SQL_POLICY', 'SQL_LIMIT', 'SQL_NO_FORM', 'IR_SHAPE', 'STEP_COLUMN_CLASH', 'STEP_ORDER_NOT_TOTAL', 'STEP_SORT_LOST',
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

/** Why a text or a tree is not accepted. Its sentence holds names of the catalogue, positions and the one plain name that it is about (`noSuch`); never another piece of the text.
 * @property offset character of the text that it is about, from 0 */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly offset: number | null;
  constructor(code: RefusalCode, says: string, offset: number | null = null) {
    super(says);
    this.name = 'Refusal';
    this.code = code;
    this.offset = offset;
  }
}

export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly issues: readonly Issue[] };
/** Runs a check and answers what it refuses as an issue. Anything else that is thrown is our own mistake and goes on.
 * @param path where the text or tree stands, as a JSON pointer; or what says of a character of the text, from 0, where it stands */
export function checked<T>(path: string | ((offset: number) => string), work: () => T): Checked<T> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (typeof path === 'function') return { ok: false, issues: [{ code: error.code, path: path(error.offset ?? 0), text: `${error.message}.`, ...offsetOf(error) }] };
    const at = error.offset === null ? '' : `, at character ${error.offset + 1}`;
    return { ok: false, issues: [{ code: error.code, path, text: `${error.message}${at}.`, ...offsetOf(error) }] };
  }
}
const offsetOf = ({ offset }: Refusal): Pick<Issue, 'offset'> => (offset === null ? {} : { offset });
