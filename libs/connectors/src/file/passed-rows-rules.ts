import type { Transform } from '@agent-etl/contracts';
import type { Reached } from '../port.ts';

/** What the engine says of a statement that it ran under EXPLAIN (ANALYZE, FORMAT JSON): its operators, each above what feeds it. */
interface Operator { readonly operator_type: string; readonly operator_cardinality: number; readonly children: readonly Operator[] }
/** Operators that answer a row for each of theirs, or leave it out. */
const BY_ROW: readonly string[] = ['PROJECTION', 'FILTER', 'HASH_JOIN'];
/** Operators that have seen all of their rows before they answer the first. Any other may stop early, or make several rows of one: then nothing is said. */
const SETS: readonly string[] = ['HASH_GROUP_BY', 'PERFECT_HASH_GROUP_BY', 'UNGROUPED_AGGREGATE', 'PARTITIONED_AGGREGATE', 'WINDOW', 'TOP_N', 'ORDER_BY'];
const COPIES: readonly string[] = ['COPY_TO_FILE', 'BATCH_COPY_TO_FILE'];

/** Rows that a COPY of text files wrote, and those on their way to it: the scan of a text file answers every row of it, and filters stand above it.
 * @property reached null where the operators do not say it: then the rows have to be counted
 * @throws Error for what is no COPY */
export function passedRows(said: unknown, stages: Transform['stages']): { readonly written: number; readonly reached: Reached | null } {
  let copy = JSON.parse(String(said)) as Operator;
  while (!COPIES.includes(copy.operator_type)) {
    const [below] = copy.children;
    if (!below) throw new Error('the engine says of a COPY that it was none');
    copy = below;
  }
  const [rows] = copy.children;
  if (!rows) throw new Error('the engine says of a COPY that it had no rows');
  return { written: rows.operator_cardinality, reached: isSaid(stages) ? reachedOf(rows) : null };
}
/** A filter behind a grouping may be computed before it, which leaves fewer rows to the grouping than the filters before it kept. */
function isSaid(stages: Transform['stages']): boolean {
  const firstSet = stages.findIndex(({ op }) => op !== 'rows');
  return firstSet < 0 || stages.slice(firstSet).every((stage) => stage.op !== 'rows' || stage.where === null);
}
function reachedOf(top: Operator): Reached | null {
  let kept = top;
  for (let at = top; ;) {
    if (at.operator_type === 'TABLE_SCAN') return at.children.length ? null : { seen: at.operator_cardinality, kept: kept.operator_cardinality };
    const below = feeding(at);
    const isSet = SETS.includes(at.operator_type);
    if (!below || (!isSet && !BY_ROW.includes(at.operator_type))) return null;
    if (isSet) kept = below;
    at = below;
  }
}
/** The one operator that rows come from. A long list of values is joined, and holds no rows. */
function feeding({ operator_type, children }: Operator): Operator | null {
  const fed = operator_type === 'HASH_JOIN' ? children.filter((child) => child.operator_type !== 'COLUMN_DATA_SCAN') : children;
  return fed.length === 1 ? fed[0]! : null;
}
