import { type Decision, EtlError, type Question } from '@agent-etl/contracts';
import { compile, identifier, joinSql, relationParts, sqlFor } from '@agent-etl/sql-safety';
import { type Columns, type CopyInput, type Ruled, decide, grouped, isEmpty, named, plural, sameNames } from '../decide.ts';
import type { RowKey } from './key.ts';
import { history } from './history.ts';
import { assertMode, merge } from './merge.ts';
import type { LoadMode, Publishing } from './publishing.ts';
import { repeatedBy } from './schedule.ts';

export type LoadRule = { rule: Ruled<Publishing> } | { questions: Question[] };
interface Seen { readonly key: RowKey; readonly columns: Columns; readonly since: string | null }

/** How rows get into the target and how they become visible. A filled target that the request says nothing about is a question, never a guess.
 * @throws EtlError `request.unsupported` what a file target or a schedule cannot do, `profile.unusable` an upsert without a key, `plan.refused` a key the target does not enforce */
export function ruleLoad(input: CopyInput, seen: Seen): LoadRule {
  const { target, pipeline, pipeline: { to } } = input;
  if (repeatedBy(pipeline) === 'its schedule' && to.load === undefined && seen.since === null) return { questions: [howToRepeat(input, seen)] };
  if (repeatedBy(pipeline) === 'its schedule' && to.load === 'append') throw new EtlError('request.unsupported', { found: 'load: append on a schedule', allowed: 'load: replace or load: upsert' });
  assertMode(input);
  if (to.load === 'merge') return { rule: merge(input, mergeKey(input, seen, { load: 'merge', unique: 'whole' })) };
  if (to.load === 'scd2') return { rule: history(input, { key: mergeKey(input, seen, { load: 'scd2', unique: 'unasked' }), columns: seen.columns, since: seen.since }) };
  if (to.load === 'upsert' || seen.since !== null) return { rule: upsert(input, seen) };
  if (target.connector === 'file') return file(input);
  if (!target.exists) return { rule: to.load === 'replace' && repeatedBy(pipeline) ? again(input) : fresh(input, to.load ?? 'append') };
  if (to.load === 'replace') return { rule: replace(input) };
  if (isEmpty(target)) return { rule: append(input, 'empty') };
  return to.load === 'append' ? { rule: append(input, 'filled') } : { questions: [howToLoad(input, seen)] };
}

function howToLoad({ target, pipeline: { name, to } }: CopyInput, { key }: Seen): Question {
  const isOther = target.positions?.some(({ pipeline }) => pipeline === name) ?? false;
  const lost = isOther ? ' What this pipeline has read so far is of another source, of other columns or without a key here, so it cannot go on from there.' : '';
  const upsert = key.columns ? [`upsert by ${key.columns.join(', ')}`] : [];
  return { id: 'load', choices: ['append', 'replace', ...upsert],
    text: `${to.connection}.${to.dataset} holds ${target.rowsExact ? '' : 'about '}${plural(target.rows, 'row')} already.${lost} Append again, replace${key.columns ? ` or upsert by ${key.columns.join(', ')}` : ''}? Set to.load.` };
}
/** Each run of this release reads the whole source: to add it every time is never what somebody means who says nothing. */
function howToRepeat({ target, pipeline: { to } }: CopyInput, { key }: Seen): Question {
  const upsert = key.columns && target.connector !== 'file' ? [`upsert by ${key.columns.join(', ')}`] : [];
  return { id: 'load', choices: ['replace', ...upsert],
    text: `It runs again by its schedule, and each run reads the source in full. Replace ${to.connection}.${to.dataset} each time${upsert.length ? `, or ${upsert[0]!}` : ''}? Set to.load.` };
}
const by = ({ pipeline: { to } }: CopyInput): Decision['by'] => (to.load ? 'person' : 'rules');
const ruled = (value: Publishing, decisions: Decision[], risks: string[] = []): Ruled<Publishing> => ({ value, decisions, risks });

function fresh(input: CopyInput, load: LoadMode): Ruled<Publishing> {
  return ruled({ load, how: 'rename', risk: 'R1', key: undefined }, [
    decide('load', load, { by: by(input), why: ['new-target', 'There is no target yet: it is made.'], rejected: [[load === 'replace' ? 'append' : 'replace', 'There is nothing to keep or to replace: it comes to the same.']] }),
    decide('publish', 'rename', { why: ['staging-is-the-table', 'Staging is the new table: readers see all rows or none.'], rejected: [['insert into a visible table', 'Readers would see half a copy.']] })]);
}

/** Two renames cost nothing where names can be exchanged while others read. In SQLite a table that goes takes its indexes and triggers with it. */
const swaps = ({ target }: CopyInput): boolean => target.connector === 'postgres' || target.connector === 'mysql';

/** One plan for many runs: the first finds nothing, each later one replaces what the one before left. */
function again(input: CopyInput): Ruled<Publishing> {
  if (!swaps(input)) {
    return ruled({ load: 'replace', how: 'truncate-insert', risk: 'R2', key: undefined }, [
      decide('load', 'replace', { by: by(input), why: ['asked', 'The request says replace, and Airflow runs this plan again and again.'], rejected: [['append', 'Each run would add all rows once more.']] }),
      decide('publish', 'truncate-insert', { why: ['runs-again', 'The rows of a table that is there are exchanged; where none is, staging becomes it.'], rejected: [['rename', 'It works once: the second run would find a table.']] })],
    [`Each run replaces all rows of ${input.target.dataset}.`]);
  }
  return ruled({ load: 'replace', how: 'swap', risk: 'R2', key: undefined }, [
    decide('load', 'replace', { by: by(input), why: ['asked', `The request says replace, and ${repeatedBy(input.pipeline) ?? 'nobody'} runs this plan again and again.`], rejected: [['append', 'Each run would add all rows once more.']] }),
    decide('publish', 'swap', { why: ['runs-again', 'Two renames where a table is there by then, one where none is.'], rejected: [['rename', 'It works once: the second run would find a table.']] })],
  [`Each run replaces all rows of ${input.target.dataset}.`]);
}

function append(input: CopyInput, state: 'empty' | 'filled'): Ruled<Publishing> {
  const { target, earlierRuns = 0 } = input;
  const again = state === 'filled' && earlierRuns > 0 && !input.pipeline.replays; // what comes back from quarantine comes once
  const rows = grouped(target.rows);
  return ruled({ load: 'append', how: 'append', risk: again ? 'R2' : 'R1', key: undefined, ...(state === 'filled' ? { fills: 'once-more' } : {}) }, [
    decide('load', 'append', { by: by(input), why: state === 'empty' ? ['empty-target', 'The target exists and is empty: it keeps its types, keys and grants.'] : ['asked', `The request says append; the target holds about ${rows} rows.`],
      rejected: [['replace', state === 'empty' ? 'There is nothing to replace.' : `About ${rows} rows would go.`]] }),
    decide('publish', 'append', { why: ['one-insert', 'One INSERT from staging: readers see all new rows or none.'], rejected: [['swap', 'It would take the place of the rows that are there.']] })],
  again ? [`${plural(earlierRuns, 'earlier run')} of this pipeline filled this target: appending the full source again doubles its rows.`] : []);
}

/** @throws EtlError `connection.permission-denied` with the GRANT, before a row has moved */
function mustHave({ target, pipeline: { to } }: CopyInput, right: 'UPDATE' | 'TRUNCATE' | 'DELETE'): void {
  const grant = target.lacks?.[right];
  if (grant !== undefined) throw new EtlError('connection.permission-denied', { connection: to.connection, action: `${right} on ${to.dataset}`, grant });
}
function replace(input: CopyInput): Ruled<Publishing> {
  const { target } = input;
  mustHave(input, target.dependents.foreignKeys > 0 ? 'DELETE' : 'TRUNCATE');
  const { views, foreignKeys, policies, grants } = target.dependents;
  const held = Object.entries({ view: views, 'foreign key': foreignKeys, 'row policie': policies, grant: grants }).filter(([, count]) => count > 0)
    .map(([noun, count]) => (noun === 'row policie' ? `${count} row ${count === 1 ? 'policy' : 'policies'}` : plural(count, noun)));
  const how = held.length || !swaps(input) ? 'truncate-insert' : 'swap';
  return ruled({ load: 'replace', how, risk: 'R2', key: undefined }, [
    decide('load', 'replace', { by: by(input), why: ['asked', `The request says replace; about ${grouped(target.rows)} rows go.`], rejected: [['append', 'The request says replace.']] }),
    decide('publish', how, how === 'swap' ? { why: ['no-dependents', 'Nothing hangs on the table: two renames, and readers never wait.'], rejected: [['truncate and insert', 'Readers would wait for the insert.']] }
      : !held.length ? { why: ['in-one-transaction', 'Rows are deleted and inserted in one transaction: the table keeps its indexes and triggers, and readers see all old rows or all new ones.'], rejected: [['swap', 'A table that is dropped takes its indexes and triggers with it.']] }
      : { why: ['dependents', `${held.join(', ')} hang on the table and would stay with the old one.`], rejected: [['swap', `It would cut off ${held.join(', ')}.`]] })],
  [`${repeatedBy(input.pipeline) ? 'Each run replaces' : 'Replaces'} all rows of ${target.dataset}, about ${grouped(target.rows)} now.`]);
}

/** The key that rows are merged by, once it is known to do: rows of the source are told apart by it, and `unique` the target refuses a second row with it.
 * @throws EtlError `profile.unusable`, `request.invalid`, `connection.permission-denied`, `plan.refused` with the index to add */
function mergeKey(input: CopyInput, { key, columns }: Seen, { load, unique }: { load: 'upsert' | 'merge' | 'scd2'; unique: 'whole' | 'unasked' }): string[] {
  const { target, source, pipeline: { to } } = input;
  if (!key.columns) throw new EtlError('profile.unusable', { dataset: source.dataset, what: `key for ${load === 'upsert' ? 'an upsert' : `load: ${load}`}`, next: 'name one: to.key: [column]' });
  const missing = key.columns.find((name) => !columns.some((column) => column.target === name));
  if (missing !== undefined) throw new EtlError('request.invalid', { pointer: '/pipeline/to/key', problem: `${missing} is no column that travels` });
  mustHave(input, 'UPDATE');
  if (load === 'merge') mustHave(input, 'DELETE');
  const enforced = unique === 'unasked' || !target.exists || [target.primaryKey, ...target.uniqueKeys].some((each) => each && sameNames(each, key.columns!));
  if (!enforced) {
    throw new EtlError('plan.refused', { rule: `${load === 'upsert' ? 'an upsert' : `load: ${load}`} needs a unique key at the target`, explanation: `${to.dataset} has none over ${key.columns.join(', ')}`,
      next: `add one, over columns that are NOT NULL: ${uniqueIndexOn({ connector: target.connector, dataset: to.dataset }, key.columns)}` });
  }
  return key.columns;
}
function upsert(input: CopyInput, seen: Seen): Ruled<Publishing> {
  const { target, pipeline: { to } } = input;
  if (target.connector === 'file') throw new EtlError('request.unsupported', { found: 'load: upsert into a file', allowed: 'load: replace' });
  const key = mergeKey(input, seen, { load: 'upsert', unique: 'whole' });
  const runsAgain = repeatedBy(input.pipeline) !== null; // one plan for many runs: the first finds no table, each later one does
  const value: Publishing = { load: 'upsert', how: target.exists || runsAgain ? 'upsert' : 'rename', risk: 'R1', key };
  return ruled(value, [
    decide('load', `upsert by ${key.join(', ')}`, to.load === undefined
      ? { why: ['own-target', `This pipeline has filled ${to.dataset}, and ${named(key)} names a row: rows are added and changed, none goes.`], rejected: [['append', 'Changed rows would be there twice.'], ['replace', 'Rows that were not read again would go.']] }
      : { by: 'person', why: ['asked', `The request says upsert; ${named(key)} names a row.`], rejected: [['append', 'Rows that are there already would be there twice.']] }),
    decide('publish', value.how, value.how === 'upsert' ? { why: ['merge', 'One statement from staging: new rows in, changed rows updated, others untouched.'], rejected: [['swap', 'Rows that only the target has would go.']] }
      : { why: ['staging-is-the-table', 'There is no target yet: staging is the new table, with the key.'], rejected: [['upsert', 'There is nothing to merge with.']] })]);
}

const sql = sqlFor('postgres');
const lite = sqlFor('sqlite');
const my = sqlFor('mysql');
/** The statement that an administrator can paste. */
function uniqueIndexOn({ connector, dataset }: { connector: string; dataset: string }, columns: readonly string[]): string {
  if (connector === 'sqlite') return compile(lite`CREATE UNIQUE INDEX ${identifier(`${dataset}_key`)} ON ${identifier(dataset)} (${joinSql(columns.map((name) => lite`${identifier(name)}`), lite`, `)})`).text;
  if (connector === 'mysql') return compile(my`CREATE UNIQUE INDEX ${identifier(`${dataset}_key`.slice(-60))} ON ${identifier(dataset)} (${joinSql(columns.map((name) => my`${identifier(name)}`), my`, `)})`).text;
  const { schema, table } = relationParts(dataset) ?? { schema: 'public', table: dataset };
  return compile(sql`CREATE UNIQUE INDEX ON ${identifier(schema, table)} (${joinSql(columns.map((name) => sql`${identifier(name)}`), sql`, `)})`).text;
}

function file(input: CopyInput): LoadRule {
  const { target, pipeline, pipeline: { to } } = input;
  const path = `${to.connection}:${to.dataset}`;
  const isFolder = target.system.startsWith('folder');
  const noun = isFolder ? 'folder' : 'file';
  if (target.exists && to.load === 'append') throw new EtlError('request.unsupported', { found: `load: append to a ${noun} that exists`, allowed: `load: replace, or another ${noun} name` });
  if (target.exists && to.load === undefined) return { questions: [{ id: 'load', text: `The ${noun} ${path} exists already. Replace it? Set to.load: replace, or another name.`, choices: ['replace'] }] };
  const decisions = [
    decide('load', target.exists ? 'replace' : to.load ?? 'append', { by: by(input), why: target.exists ? ['asked', 'The request says replace.'] : ['new-target', `There is no ${noun} of this name yet.`], rejected: [['append', 'A finished file is never written into.']] }),
    decide('publish', 'file', isFolder ? { why: ['manifest', 'Parts get names by the hash of their bytes; a manifest that names them is renamed into place last, so whoever follows it sees the parts of one run.'], rejected: [['one file', 'Its parts could not be written side by side.']] }
      : { why: ['rename', 'Written under another name, flushed, then renamed: no reader sees half a file.'], rejected: [['write in place', 'A crash would leave half a file.']] })];
  const comesAgain = repeatedBy(pipeline) === 'its schedule';
  const risks = comesAgain ? [`Each run replaces the ${noun} ${path}.`] : target.exists ? [`Replaces the ${noun} ${path}.`] : [];
  return { rule: ruled({ load: target.exists ? 'replace' : to.load ?? 'append', how: 'file', risk: risks.length ? 'R2' : 'R1', key: undefined }, decisions, risks) };
}
