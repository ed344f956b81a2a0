import type { ColumnType, Expr } from '@agent-etl/contracts';
import { bool, date, decimal, i64, text, ts } from '../check/type-rules.ts';
import { Refusal } from '../refusal.ts';
import { byPath, common, double, either, fixed, matching, nulled, number, ofTime, part, rounded, separated, shiftedBy, sized, toWhole, truncated, withCharacters, withTexts } from './signatures.ts';
import type { Signature, TypedCall, Typing } from './typing.ts';

const LONGEST = 10_000;
const t = text;
const row = (least: number, most: number, signature: Signature, ...others: string[]) => ({ least, most, signature, others });
/** Every function that an expression may call: number of arguments, types, and the other names that people know it by. What is not here does not exist. */
const functions = {
  lower: row(1, 1, fixed([t], t)), upper: row(1, 1, fixed([t], t)), length: row(1, 1, fixed([t], i64), 'char_length', 'character_length', 'len'),
  trim: row(1, 1, fixed([t], t), 'btrim'), ltrim: row(1, 1, fixed([t], t)), rtrim: row(1, 1, fixed([t], t)),
  replace: row(3, 3, withTexts(t, 1)), substring: row(2, 3, sized([[1, LONGEST], [0, LONGEST]]), 'substr'),
  left: row(2, 2, sized([[0, LONGEST]])), right: row(2, 2, sized([[0, LONGEST]])), lpad: row(3, 3, padded()), rpad: row(3, 3, padded()),
  starts_with: row(2, 2, fixed([t, t], bool), 'prefix'), ends_with: row(2, 2, fixed([t, t], bool), 'suffix'), contains: row(2, 2, fixed([t, t], bool)),
  position: row(2, 2, fixed([t, t], i64), 'strpos', 'instr'), split_part: row(3, 3, parted()), md5: row(1, 1, fixed([t], t)), sha256: row(1, 1, fixed([t], t)), concat: row(1, 100, fixed(Array<ColumnType>(100).fill(t), t)),
  json_text: row(1, 17, byPath(t)), json_number: row(1, 17, byPath({ kind: 'f64' })),
  coalesce: row(1, 100, common), nullif: row(2, 2, nulled), greatest: row(1, 100, common), least: row(1, 100, common), if: row(3, 3, either),
  abs: row(1, 1, number), sign: row(1, 1, toWhole), floor: row(1, 1, toWhole), ceil: row(1, 1, toWhole, 'ceiling'), round: row(1, 2, rounded), sqrt: row(1, 1, double),
  date_trunc: row(2, 2, truncated, 'datetrunc'), date_part: row(2, 2, part, 'datepart'), diff_days: row(2, 2, fixed([date, date], i64)), make_date: row(3, 3, fixed([i64, i64, i64], date)),
  concat_ws: row(2, 100, separated), diff_seconds: row(2, 2, fixed([ts, ts], decimal(20, 6))), exp: row(1, 1, double), ln: row(1, 1, double), log10: row(1, 1, double), power: row(2, 2, double),
  regexp_like: row(2, 2, matching, 'regexp_matches'), shift_days: row(2, 2, shiftedBy('days')), shift_days_back: row(2, 2, shiftedBy('days')), shift_months: row(2, 2, shiftedBy('months')), shift_seconds: row(2, 2, shiftedBy('seconds')), slice: row(2, 3, fixed([t, i64, i64], t)), trim_chars: row(2, 2, withCharacters), trunc: row(1, 1, toWhole),
  year: row(1, 1, ofTime), quarter: row(1, 1, ofTime), month: row(1, 1, ofTime), day: row(1, 1, ofTime, 'dayofmonth'),
} satisfies Readonly<Record<string, { readonly least: number; readonly most: number; readonly signature: Signature; readonly others: readonly string[] }>>;

export type FunctionId = keyof typeof functions;
export const functionIds = Object.keys(functions) as readonly FunctionId[];
const byName = new Map<string, FunctionId>(functionIds.flatMap((id) => [id, ...functions[id].others].map((name): [string, FunctionId] => [name, id])));

/** What there is to call, for people: name, how many arguments it takes, other names. */
export const functionList = functionIds.map((id) => { const { least, most, others } = functions[id]; return { id, least, most, others: [...others] as readonly string[] }; });

/** The function that people call by a name, or null. */
export const functionNamed = (name: string): FunctionId | null => byName.get(name.toLowerCase()) ?? null;
/** Every name that a function is called by. */
export const knownFunctions: readonly string[] = [...byName.keys()];

/** @throws Refusal `SQL_FUNCTION`, `SQL_ARITY`, and what its signature refuses */
export function typeCall(fn: string, args: readonly Expr[], typing: Typing): TypedCall {
  const id = functionNamed(fn);
  if (id === null || id !== fn) throw new Refusal('SQL_FUNCTION', 'There is no such function here');
  const { least, most, signature } = functions[id];
  if (args.length < least || args.length > most) throw new Refusal('SQL_ARITY', `${id} takes ${least === most ? least : `${least} to ${most}`} arguments`);
  return signature(args, typing);
}

function padded(): Signature {
  return ([value, size, fill], typing) => {
    const { args } = sized([[0, LONGEST]])([value!, size!], typing);
    return { args: [...args, ...withTexts(t, 1)([value!, fill!], typing).args.slice(1)], type: t };
  };
}
function parted(): Signature {
  return ([value, delimiter, nth], typing) => {
    const { args: [, at] } = sized([[1, LONGEST]])([value!, nth!], typing);
    return { args: [...withTexts(t, 1)([value!, delimiter!], typing).args, at!], type: t };
  };
}
