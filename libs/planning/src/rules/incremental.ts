import { type Stage, type Transform, leavesOut } from '@agent-etl/contracts';

/** Why a stage cannot be computed of what changed alone: the target would not become what a full run makes of it. */
const because: Readonly<Record<Exclude<Stage['op'], 'rows'>, string>> = {
  group: 'a group is made of rows that did not change, too', first: 'which row of a key comes first hangs on rows that did not change', limit: 'which rows are the first hangs on rows that did not change',
  flatten: 'a row that changes may have fewer items, and those that it had would stay in the target', unpivot: 'a row becomes several, which the key of the source does not tell apart, and a value that becomes NULL may leave its row in the target', window: 'a value looks at rows around that did not change',
  join: 'a row of the other dataset that changes would change rows that are not read', union: 'rows of the other datasets are no part of what changed', query: 'a SELECT looks at rows that did not change',
};
/** Why the steps need the whole source in each run, or null where they take rows one by one and leave none out. */
export function wholeBecause({ stages }: Pick<Transform, 'stages'>): string | null {
  if (!leavesOut({ stages })) return null;
  const [looking] = stages.flatMap((stage) => (stage.op === 'rows' ? [] : [because[stage.op]]));
  return looking ?? 'a row that changes so that a filter leaves it out would stay in the target as it was';
}
