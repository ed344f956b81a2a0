import { type ColumnType, EtlError, type Issue, type Plan, didYouMean } from '@agent-etl/contracts';
import { type Columns, type CopyInput, type Ruled, decide, named } from '../decide.ts';

/** What the name of a folder cannot say again to the last bit, or is too long for. */
const unnamed: readonly ColumnType['kind'][] = ['f32', 'f64', 'bytes', 'json', 'other'];
interface Problem { readonly at: number; readonly problem: string; readonly next: string }

/** Columns whose values name folders, or null where nobody asked for any.
 * @throws EtlError `request.invalid` for a column that is not there or that no folder can be named after, `request.unsupported` for a target that is no folder */
export function rulePartitions(input: CopyInput, columns: Columns): Ruled<string[] | null> {
  const { pipeline: { to }, target } = input;
  const { partitionBy } = to;
  if (!partitionBy) return { value: null, decisions: [], risks: [] };
  if (target.connector !== 'file' || !target.system.startsWith('folder')) throw new EtlError('request.unsupported', { found: `partitionBy into ${target.connector === 'file' ? `the one file ${to.dataset}` : target.connector}`, allowed: 'it with a folder of files, such as dataset: orders/ or orders/**/*.csv' });
  const found = problemOf(partitionBy, columns);
  if (found) throw new EtlError('request.invalid', { pointer: `/pipeline/to/partitionBy/${found.at}`, problem: found.problem, next: found.next });
  return { value: partitionBy, risks: [], decisions: [decide('partitions', `by ${partitionBy.join(', ')}`, { by: 'person',
    why: ['asked', `The values of ${named(partitionBy)} name folders (${partitionBy.map((name) => `${name}=…`).join('/')}/), so who asks for some of them reads no other files; the files do not hold ${partitionBy.length === 1 ? 'it' : 'them'}.`],
    rejected: [['parts side by side', 'Who looks for some rows would open every part.']] })] };
}

function problemOf(names: readonly string[], columns: Columns): Problem | null {
  for (const [at, name] of names.entries()) {
    const column = columns.find(({ target }) => target === name);
    if (names.indexOf(name) !== at) return { at, problem: `${name} stands there twice`, next: 'leave it out once' };
    if (!column) return { at, problem: `the target has no column ${name}`, next: didYouMean(name, columns.map(({ target }) => target)) ?? `one of ${named(columns.slice(0, 8).map(({ target }) => target))}` };
    if (unnamed.includes(column.type.kind)) return { at, problem: `${name} is ${column.sourceNative}, and the name of a folder does not hold every value of that type`, next: 'a text, a whole number, a decimal, a boolean, a day or a time' };
    if (/^[._]/.test(name)) return { at, problem: `readers of folders pass over names such as ${name}=…`, next: 'rename the column first: steps: [{ rename: … }]' };
  }
  return names.length === columns.length ? { at: 0, problem: 'no column is left for the files', next: 'partition by fewer columns' } : null;
}

/** The same, of a plan that is verified: what its tasks say is what was asked for, and could be. */
export function partitionIssues({ pipeline: { to: { partitionBy } }, tasks, profiles: { target }, decisions }: Plan): Issue[] {
  const asked = JSON.stringify(partitionBy);
  return tasks.flatMap(({ id, partitionBy: planned, columns }) => {
    const path = `/tasks/${id}/partitionBy`;
    if (JSON.stringify(planned) !== asked) return [{ code: 'partitions.other', path, text: 'The partitions are not those that were asked for.' }];
    if (!planned) return [];
    const problem = target.system.startsWith('folder') ? problemOf(planned, columns)?.problem : 'only a folder of files has partitions';
    return [...(problem === undefined ? [] : [{ code: 'partitions.invalid', path, text: `${problem}.` }]),
      ...(decisions.some(({ question }) => question === 'partitions') ? [] : [{ code: 'decision.missing', path: '/decisions', text: 'Nothing says why there are partitions.' }])];
  });
}
