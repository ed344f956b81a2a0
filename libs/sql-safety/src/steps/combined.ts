import { type Counted, EtlError, type JoinStage, type QueryStage, type UnionStage } from '@agent-etl/contracts';

type Row = Readonly<Record<string, unknown>>;
const number = (row: Row, name: string): number => Number(row[name]);

/** What a counting statement says of a join, a union or a query.
 * @throws EtlError `data.join-multiplies`, `data.join-missed` with the first key that breaks the rule */
export function combinedFrom(row: Row, { stage, address }: { readonly stage: JoinStage | UnionStage | QueryStage; readonly address: string }): Counted {
  const [left, right] = [number(row, 'l'), number(row, 'r')];
  if (stage.op !== 'join') return { with: address, kind: stage.op, left, right, out: number(row, 'o') };
  const [matched, most] = [number(row, 'lm'), number(row, 'most')];
  const unmatched = left - matched;
  const rightUnmatched = right - number(row, 'rm');
  const out = outOf(stage.kind, { pairs: number(row, 'pairs'), matched, unmatched, rightUnmatched });
  const key = stage.on.map((pair) => pair.left).join(', ');
  const cell = (value: unknown) => ({ row: null, column: key, value: String(value).slice(0, 200), target: address });
  if (stage.matches === 'one' && most > 1) throw new EtlError('data.join-multiplies', { dataset: address, most, key, left, out }, { cell: cell(row['twice']) });
  if (stage.misses === 'fail' && unmatched > 0) throw new EtlError('data.join-missed', { dataset: address, count: unmatched, left, key }, { cell: cell(row['missing']) });
  return { with: address, kind: stage.kind, left, right, out, matched, unmatched, rightUnmatched, most };
}

interface Sums { readonly pairs: number; readonly matched: number; readonly unmatched: number; readonly rightUnmatched: number }
/** Rows behind a join, from what its keys add up to. */
function outOf(kind: JoinStage['kind'], { pairs, matched, unmatched, rightUnmatched }: Sums): number {
  switch (kind) {
    case 'inner': return pairs;
    case 'left': return pairs + unmatched;
    case 'right': return pairs + rightUnmatched;
    case 'full': return pairs + unmatched + rightUnmatched;
    case 'semi': return matched;
    case 'anti': return unmatched;
  }
}
