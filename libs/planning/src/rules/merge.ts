import { EtlError, type Vanished, leavesOut, modesOfSome } from '@agent-etl/contracts';
import { type CopyInput, type Ruled, decide, isEmpty, named, plural } from '../decide.ts';
import type { Publishing } from './publishing.ts';
import { repeatedBy } from './schedule.ts';

/** Share of the target that one run may delete, or close, when nobody says otherwise. */
const AT_MOST = 0.2;
const instead: Readonly<Record<'merge' | 'scd2', string>> = {
  merge: 'load: replace, which takes over deletes too, by writing every row again', scd2: 'a PostgreSQL target, or load: replace, which keeps no earlier versions',
};

/** What a request says of rows that vanished must fit its load mode, and the mode its target.
 * @throws EtlError `request.unsupported` with what to use instead, `request.invalid` */
export function assertMode({ target, pipeline: { to, onFail } }: CopyInput): void {
  const { load, deletes } = to;
  if (deletes !== undefined && load !== 'merge' && load !== 'scd2') throw new EtlError('request.invalid', { pointer: '/pipeline/to/deletes', problem: `load: ${load ?? '(left out)'} deletes nothing by its key; deletes belongs to load: merge and load: scd2` });
  if (load !== 'merge' && load !== 'scd2') return;
  if (load === 'merge' && deletes === 'close') throw new EtlError('request.invalid', { pointer: '/pipeline/to/deletes', problem: 'a merge has no versions to close', next: 'leave it out, or say how many rows may go: deletes: { atMost: 20% }' });
  if (!modesOfSome[load].includes(target.connector)) throw new EtlError('request.unsupported', { found: `load: ${load} into ${target.connector === 'file' ? 'a file' : `a ${target.connector} target`}`, allowed: instead[load] });
  const setsAside = onFail !== undefined && onFail !== 'stop';
  if (setsAside && (load === 'merge' || deletes !== undefined)) throw new EtlError('request.unsupported', { found: `${load === 'merge' ? 'load: merge' : 'deletes'} with rows that are set aside: a row that was not written is not a row that vanished`, allowed: 'onFail: stop' });
}
/** What `deletes` comes to. */
export function vanishedOf({ pipeline: { to: { deletes } } }: CopyInput, then: Vanished['then']): Vanished {
  return { then, atMost: typeof deletes === 'object' ? Math.round(Number.parseFloat(deletes.atMost) * 1000) / 100_000 : AT_MOST };
}
export const percent = (share: number): string => `${Math.round(share * 1e5) / 1e3} %`;

/** Behind steps that leave rows out, those have vanished, too. */
export const alsoLeftOut = ({ transform }: Pick<CopyInput, 'transform'>): string => (transform && leavesOut(transform) ? ' or that the steps leave out' : '');

/** Makes the target what the source is, row by row: new rows in, changed ones updated, vanished ones deleted. */
export function merge(input: CopyInput, key: string[]): Ruled<Publishing> {
  const { target, pipeline, pipeline: { to } } = input;
  const vanished = vanishedOf(input, 'delete');
  const isLater = target.exists || repeatedBy(pipeline) !== null;
  const isSafe = !isLater || (repeatedBy(pipeline) === null && isEmpty(target));
  const rest = { by: 'person', why: ['asked', `The request says merge; ${named(key)} names a row. Vanished is every row of ${to.dataset} whose key the source does not have when it is read${alsoLeftOut(input)}, whoever wrote it.`] } as const;
  const limit = vanished.atMost === 1 ? 'all of them, if the source is empty' : `at most ${percent(vanished.atMost)} of them in one run; more, or an empty source, stops it before anything changes`;
  return {
    value: { load: 'merge', how: isLater ? 'merge' : 'rename', risk: isSafe ? 'R1' : 'R2', key, ...(isLater ? { vanished } : {}) },
    decisions: [
      decide('load', `merge by ${key.join(', ')}`, { ...rest, rejected: [['upsert', 'Rows that the source deleted would stay.'], ['replace', 'Rows that are equal already would be written again.']] }),
      decide('deletes', isLater ? `at most ${percent(vanished.atMost)}` : 'none', { by: to.deletes === undefined ? 'rules' : 'person',
        why: isLater ? ['limit', `A source that lost many rows at once is more often broken than right: one run may delete ${percent(vanished.atMost)} of the target's rows${to.deletes === undefined ? ', unless to.deletes says otherwise' : ''}.`] : ['new-target', 'There is no target yet: nothing can vanish from it.'],
        rejected: [['any number', 'An empty source would empty the target.'], ['none', 'That is load: upsert.']] }),
      decide('publish', isLater ? 'merge' : 'rename', isLater
        ? { why: ['compared-by-key', 'Staging and target are compared by the key, byte for byte, under a lock that lets readers on; only rows that differ are written, and the target is hashed again before anybody sees it.'], rejected: [['swap', 'It would write every row, and cut off what hangs on the table.']] }
        : { why: ['staging-is-the-table', 'There is no target yet: staging is the new table, with the key.'], rejected: [['merge', 'There is nothing to merge with.']] })],
    risks: isSafe ? [] : [`${repeatedBy(pipeline) ? 'Each run deletes' : 'Deletes'} the rows of ${target.dataset} that the source does not have${alsoLeftOut(input)}, whoever wrote them: ${limit}.${target.exists ? ` It holds ${target.rowsExact ? '' : 'about '}${plural(target.rows, 'row')} now.` : ''}`],
  };
}
