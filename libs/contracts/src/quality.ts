import { z } from 'zod';
import { AsideLimit, RowCheck } from './check.ts';
import { Count, SafeText } from './ids.ts';

export const Measuring = z.object({
  checks: z.array(z.object({
    check: RowCheck, severity: z.enum(['error', 'warn']).describe('error: its rows are bad · warn: they stay.'), atMost: AsideLimit.nullable().describe('How many rows may break it; null: any number of them, as far as this measure goes.'),
  })).describe('What is counted.'),
  atLeast: z.number().min(0).max(1).nullable().describe('Least score that is published; null: any.'),
}).meta({ id: 'Measuring', description: 'What is counted of the rows of a load, in one more statement under the same picture.' });
export type Measuring = z.infer<typeof Measuring>;

const Part = z.number().min(0).max(1).nullable();
export const Quality = z.object({
  score: z.number().min(0).max(1).describe('0.4 completeness + 0.3 validity + 0.3 consistency; what nothing measures takes no part, and the others weigh as they do among themselves.'),
  completeness: Part.describe('Share of the values that are not NULL; null: there was no row.'), validity: Part.describe('Share of rows that keep a check not_null, range or in, over all of them; null: there is none.'),
  consistency: Part.describe('Share of rows that are no second of a key, over all checks unique; null: there is none.'),
  rows: Count.describe('Rows that were measured: all that the steps let through, also those that were set aside.'),
  nulls: z.array(z.object({ column: SafeText.describe('Column at the target.'), nulls: Count.describe('Rows where it is NULL.') })).describe('Columns that hold NULL.'),
  checks: z.array(z.object({ check: z.string().describe('Check, such as range:rating.'), severity: z.enum(['error', 'warn']).describe('How grave it is.'), rows: Count.describe('Rows that break it.') })).describe('Every check.'),
}).meta({ id: 'Quality', description: 'How good the rows of a run were, with what it was counted from.' });
export type Quality = z.infer<typeof Quality>;
export const QualityScore = Quality.pick({ score: true, completeness: true, validity: true, consistency: true }).meta({ description: 'A score and its parts.' });
export type QualityScore = z.infer<typeof QualityScore>;

/** What was counted. @property nulls by column @property broken by check, in the order of the checks */
export interface Measured { readonly rows: number; readonly nulls: readonly number[]; readonly broken: readonly number[] }
const WEIGHTS = { completeness: 0.4, validity: 0.3, consistency: 0.3 } as const;
const kept = (rows: number, broken: readonly number[]): number | null => (rows === 0 || broken.length === 0 ? null : 1 - broken.reduce((sum, each) => sum + each, 0) / (rows * broken.length));

/** The score of what was counted: each part is the mean share of what is as it should be. A good value that becomes bad never raises it; no rows are as good as any.
 * @param kinds of the checks, in their order */
export function scoreOf({ rows, nulls, broken }: Measured, kinds: readonly RowCheck['check'][]): QualityScore {
  const of = (isOne: (kind: RowCheck['check']) => boolean): readonly number[] => broken.filter((_, index) => isOne(kinds[index]!));
  const parts = { completeness: kept(rows, nulls), validity: kept(rows, of((kind) => kind !== 'unique')), consistency: kept(rows, of((kind) => kind === 'unique')) };
  const measured = (Object.keys(WEIGHTS) as (keyof typeof WEIGHTS)[]).flatMap((name) => { const part = parts[name]; return part === null ? [] : [{ part, weight: WEIGHTS[name] }]; });
  const weight = measured.reduce((sum, each) => sum + each.weight, 0);
  const score = weight === 0 ? 1 : measured.reduce((sum, each) => sum + each.part * each.weight, 0) / weight;
  return { score: told(score), completeness: parts.completeness === null ? null : told(parts.completeness), validity: parts.validity === null ? null : told(parts.validity), consistency: parts.consistency === null ? null : told(parts.consistency) };
}
/** Six digits; 1 is said of what is perfect, and of nothing else. */
const told = (share: number): number => (share >= 1 - Number.EPSILON ? 1 : Math.min(0.999_999, Math.round(share * 1e6) / 1e6));
