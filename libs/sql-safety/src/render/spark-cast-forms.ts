import { Refusal } from '../refusal.ts';
import { type SqlFragment, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import { type Dialected, WHOLE, patternOf } from './cast-rules.ts';
import { typeIn } from './types.ts';

const s = sqlFor('spark');
type Spark = SqlFragment<'spark'>;
const textOf = (value: Spark): Spark => s`CAST(${value} AS STRING)`;

/** Under ANSI Spark's CAST ends the statement where a value does not fit, and `try_cast` answers NULL; a text passes its pattern first. `\z`, since `$` also stands before a last line end.
 * A double becomes a whole number by `rint`, which takes halves to the even one as the others do (a plain cast cuts), and a decimal by its shortest text, where NaN and infinities end
 * the statement (a plain cast makes them NULL). */
export const sparkCast: Dialected<'spark'> = ({ value, from, to, onError, format }) => {
  if (format !== undefined) throw new Refusal('SQL_NO_FORM', 'A format is not available on spark; leave engine out, or cast in an earlier pipeline');
  const type = typeIn('spark', to);
  const cast = (inner: Spark): Spark => (onError === 'null' ? s`try_cast(${inner} AS ${type})` : s`CAST(${inner} AS ${type})`);
  if (from.kind === 'text' && to.kind !== 'text') {
    const fits = s`${value} RLIKE ${literal('spark', `\\A(${patternOf(to)})\\z`)}`;
    return onError === 'null' ? s`CASE WHEN ${fits} THEN ${cast(value)} END` : s`CASE WHEN ${value} IS NULL OR ${fits} THEN ${cast(value)} ELSE ${cast(s`concat('[', ${value}, ']')`)} END`;
  }
  if (from.kind === 'dec' && WHOLE.includes(to.kind)) return cast(s`round(${value}, 0)`);
  if (from.kind === 'f64' && WHOLE.includes(to.kind)) return cast(s`rint(${value})`);
  if ((from.kind === 'f64' && to.kind === 'dec') || (from.kind === 'dec' && to.kind === 'f64')) return cast(textOf(value));
  return cast(value);
};
