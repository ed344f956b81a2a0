import type { Expr } from '@agent-etl/contracts';
import { text } from '../check/type-rules.ts';

export interface SampleAsked { readonly key: readonly string[]; readonly fraction: number; readonly seed: number }
const BUCKETS = 2 ** 32;

/** A part of all rows, the same rows in every run and on every engine: those whose key hashes below the fraction. The hash is the first 32 bits of md5 over seed and key; a NULL counts as an empty text.
 * Rows of one key stay or go together. Types that engines spell differently are refused by the cast to text. */
export function sampleStep({ key, fraction, seed }: SampleAsked): { readonly op: 'filter'; readonly where: Expr } {
  const parts = key.flatMap((name): Expr[] => [lit('|'), { k: 'call', fn: 'coalesce', args: [{ k: 'cast', e: { k: 'col', name }, to: text, onError: 'fail' }, lit('')] }]);
  const hash: Expr = { k: 'call', fn: 'left', args: [{ k: 'call', fn: 'md5', args: [{ k: 'call', fn: 'concat', args: [lit(String(seed)), ...parts] }] }, { k: 'lit', t: { kind: 'i32' }, v: '8' }] };
  const below = Math.round(fraction * BUCKETS);
  return { op: 'filter', where: { k: 'bin', op: '<', l: hash, r: lit(below >= BUCKETS ? 'g' : below.toString(16).padStart(8, '0')) } };
}
const lit = (v: string): Expr => ({ k: 'lit', t: text, v });
