import type { ColumnType } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';
import type { SqlFragment } from '../tag/fragment.ts';
import type { ExprDialect } from './types.ts';

export interface Cast<D extends ExprDialect> { readonly value: SqlFragment<D>; readonly from: ColumnType; readonly to: ColumnType; readonly onError: 'fail' | 'null'; readonly format: string | undefined;
  /** Column whose value is cast, for the words of a refusal; null for a calculation. */
  readonly column: string | null }
export type Dialected<D extends ExprDialect> = (cast: Cast<D>) => SqlFragment<D>;

export const WHOLE = ['i16', 'i32', 'i64'];
const DAY = '[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])';
const CLOCK = '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?';
/** What a text must look like to become a type: engines' own casts differ in blanks, signs, fractions and dates. */
export function patternOf({ kind, scale = 0 }: ColumnType): string {
  switch (kind) {
    case 'bool': return '([tT]|[fF]|[tT][rR][uU][eE]|[fF][aA][lL][sS][eE])';
    case 'i16': case 'i32': case 'i64': return '[+-]?[0-9]{1,20}';
    case 'dec': return scale === 0 ? '[+-]?[0-9]{1,38}' : `[+-]?[0-9]{1,38}([.][0-9]{0,${scale}})?`;
    case 'f64': return '[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,2})?';
    case 'date': return DAY;
    case 'ts': return `${DAY}([ T]${CLOCK})?`;
    default: throw new Refusal('SQL_TYPE', `No text becomes ${kind}`);
  }
}
