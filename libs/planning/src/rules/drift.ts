import { type Column, type Decision, EtlError, type TargetChange, evolutionsOf } from '@agent-etl/contracts';
import { compile, identifier, relationParts, sqlFor, typeName } from '@agent-etl/sql-safety';
import { type CopyInput, type Ruled, decide, grouped, named, plural } from '../decide.ts';
import { type Drift, driftBetween, driftIssues, driftSentence, driftText, holds } from '../drift/drift-between.ts';
import { asRead } from './types.ts';

/** Connectors whose targets can follow, and how. SQLite gives a column no other type. */
const follows: Readonly<Record<string, readonly TargetChange['change'][]>> = { postgres: ['add', 'widen'], sqlite: ['add'] };
const mostDecisions = 40;

/** @property evolve what is done to the target in the publish transaction
 * @property target the columns that the target has by then: all other rules plan for those
 * @property added names of columns that come to the target with this plan */
export interface Drifting { readonly evolve: readonly TargetChange[]; readonly target: readonly Column[]; readonly added: readonly string[]; readonly risk: 'R1' | 'R2' }

/** How the source has changed since the last green run, and what becomes of the target for that. What the pipeline does not let happen by itself stops here with the diff.
 * @throws EtlError `plan.refused` a column that the target lacks, `connection.permission-denied` when the login may not alter the target */
export function ruleDrift(input: CopyInput): Ruled<Drifting> {
  const { source, target, before } = input;
  const drift = before ? driftBetween(before.columns, source.columns).filter(travels(input)) : [];
  const nothing: Drifting = { evolve: [], target: target.columns, added: [], risk: 'R1' };
  if (drift.length === 0 || !target.exists || target.connector === 'file') return { value: nothing, decisions: drift.slice(0, mostDecisions).map((one) => taken(input, one)), risks: [] };
  refuseMissing(input, drift);
  const ruled = drift.map((one) => ({ one, change: changeOf(input, one) }));
  const evolve = ruled.flatMap(({ change }) => (change ? [change] : []));
  mayAlter(input, evolve);
  const asks = ruled.filter(({ one, change }) => change?.change === 'widen' || one.is === 'gone' || one.is === 'renamed' || (one.is === 'required' && change !== null) || (one.is === 'retyped' && !fits(input, one) && !isReadAs(input, one)));
  return {
    value: { evolve, target: after(input, evolve), added: evolve.flatMap(({ change, column }) => (change === 'add' ? [column] : [])), risk: asks.length ? 'R2' : 'R1' },
    decisions: ruled.slice(0, mostDecisions).map(({ one, change }) => (change ? followed(input, one, change) : taken(input, one))),
    risks: asks.map(({ one, change }) => riskOf(input, one, change)),
  };
}
const travels = ({ pipeline: { from } }: CopyInput) => ({ was, now }: Drift): boolean => !from.select || from.select.includes(now?.name ?? '') || from.select.includes(was?.name ?? '');
const there = ({ target }: CopyInput, { now }: Drift): Column | undefined => target.columns.find(({ name }) => name === now?.name);
const fits = (input: CopyInput, drift: Drift): boolean => { const column = there(input, drift); return column !== undefined && drift.now !== null && holds(drift.now, column); };
/** Cells of a text file are read as what the target has: what they look like today is a guess. */
const isReadAs = (input: CopyInput, drift: Drift): boolean => { const column = there(input, drift); return column !== undefined && drift.now !== null && asRead(input.source, drift.now, column) !== drift.now; };
const may = ({ pipeline, target }: CopyInput, change: TargetChange['change']): boolean => evolutionsOf(pipeline.onDrift).includes(change) && (follows[target.connector] ?? []).includes(change);
const cameTo = ({ is }: Drift): boolean => is === 'added' || is === 'required' || is === 'renamed';
/** A type as the target spells it, or null where it has none that holds every value. */
const spelled = ({ source, target, mapColumn }: CopyInput, column: Column): string | null =>
  (source.connector === 'postgres' && target.connector === 'postgres' && column.type.kind !== 'other' ? column.native : mapColumn(target.connector, column)?.native ?? null);

/** A column that came and has no place in the target. A rename is never followed: as an added column the two would stand side by side. */
function refuseMissing(input: CopyInput, drift: readonly Drift[]): void {
  const { pipeline: { to, onDrift }, target } = input;
  const missing = drift.filter((one) => cameTo(one) && there(input, one) === undefined && (one.is === 'renamed' || !may(input, 'add')));
  const [first] = missing;
  if (!first?.now) return;
  const native = spelled(input, first.now);
  const byHand = native === null ? null : first.is === 'renamed' ? renaming(input, first) : adding(input, first.now.name, native);
  const isAsked = evolutionsOf(onDrift).includes('add') && first.is !== 'renamed';
  throw new EtlError('plan.refused', {
    rule: 'target.column-missing', explanation: `since the last green run of this pipeline ${driftSentence(drift)}; ${to.dataset} has no column ${first.now.name}${isAsked ? `, and a ${target.connector} target cannot follow` : ''}`,
    next: first.is === 'renamed' ? `if it is the same column: ${byHand ?? 'rename it at the target'}; else leave it out with from.select`
      : isAsked || byHand === null ? 'leave it out with from.select, or make a new target' : `onDrift: evolve in the pipeline adds it with the next run; or by hand: ${byHand}; or leave it out with from.select` }, { issues: driftIssues(drift) });
}
/** A right that is missing is told before a row has moved. */
function mayAlter({ target, pipeline: { to } }: CopyInput, evolve: readonly TargetChange[]): void {
  const grant = target.lacks?.['ALTER'];
  if (evolve.length > 0 && grant !== undefined) throw new EtlError('connection.permission-denied', { connection: to.connection, action: `ALTER TABLE ${to.dataset}`, grant });
}
function changeOf(input: CopyInput, drift: Drift): TargetChange | null {
  const column = there(input, drift);
  const native = drift.now && spelled(input, drift.now);
  if (!drift.now || native === null) return null;
  if ((drift.is === 'added' || drift.is === 'required') && !column) return { change: 'add', column: drift.now.name, native };
  if (!column || column.native === native || fits(input, drift) || !may(input, 'widen')) return null;
  return holds(column, { ...drift.now, native }) ? { change: 'widen', column: column.name, from: column.native, native } : null;
}
/** Columns of the target once it has followed. */
function after({ target, source }: CopyInput, evolve: readonly TargetChange[]): Column[] {
  const type = (name: string): Column['type'] => source.columns.find((column) => column.name === name)!.type;
  const widened = target.columns.map((column) => { const change = evolve.find((one) => one.change === 'widen' && one.column === column.name); return change ? { ...column, native: change.native, type: type(column.name) } : column; });
  return [...widened, ...evolve.filter(({ change }) => change === 'add').map(({ column, native }): Column => ({ name: column, native, type: type(column), nullable: true }))];
}

function followed(input: CopyInput, drift: Drift, change: TargetChange): Decision {
  const { pipeline: { to }, target } = input;
  const rows = `${target.rowsExact ? '' : 'about '}${plural(target.rows, 'row')}`;
  return change.change === 'add'
    ? decide('drift', `add ${change.column} ${change.native}`, { by: 'person', why: [`drift-${drift.is}`, `${sentence(drift)}, and the pipeline says evolve: ${to.dataset} gets it in the transaction that publishes. Of the ${rows} that are there, those that this run does not write have NULL in it, also where the source has a value by now; load: replace takes them over.`],
      rejected: [['stop', 'The pipeline says evolve.'], ['with the default of the source', 'Rows of before would show a value that nobody has read.']] })
    : decide('drift', `widen ${change.column}: ${change.from} -> ${change.native}`, { by: 'person', why: [`drift-${drift.is}`, `${sentence(drift)}, ${change.from} at the target does not hold each such value, and the pipeline says evolve: the type is changed in the transaction that publishes, over ${rows}.`],
      rejected: [['stop', 'The pipeline says evolve.'], ['as it is', `A value beyond ${change.from} would stop the run.`]] });
}
const sentence = (drift: Drift): string => { const text = driftText(drift); return `Since the last green run ${text}`; };
/** Drift that changes nothing at the target. */
function taken(input: CopyInput, drift: Drift): Decision {
  const said = sentence(drift);
  const name = (drift.now ?? drift.was)!.name;
  switch (drift.is) {
    case 'gone': return decide('drift', `without ${name}`, { why: ['drift-gone', `${said}: nothing fills it any more, and it is never dropped by itself.`], rejected: [['DROP COLUMN', 'Rows that are there would lose their values.']] });
    case 'renamed': return decide('drift', `${drift.was!.name} and ${name} are two columns`, { why: ['drift-renamed', `${said} Nothing proves it.`], rejected: [['RENAME COLUMN', 'If they are two, values of the one would stand under the name of the other.']] });
    case 'added': case 'required': return decide('drift', `take ${name}`, { why: [`drift-${drift.is}`, `${said}; the target has a place for it.`], rejected: [['leave it out', 'It would be lost; from.select does that.']] });
    default: return decide('drift', `keep ${name} as the target has it`, { why: [`drift-${drift.is}`, `${said}${fits(input, drift) ? '; the target holds each such value' : ''}.`],
      rejected: [['another type', drift.is === 'wider' ? 'A column of yours is altered only where the pipeline says onDrift: evolve.' : 'A column is never narrowed, nor turned into another.']] });
  }
}
function riskOf({ target, pipeline: { to } }: CopyInput, drift: Drift, change: TargetChange | null): string {
  const name = (drift.now ?? drift.was)!.name;
  if (change?.change === 'widen') return `\`${name}\` of ${to.dataset} is altered from ${change.from} to ${change.native}: readers wait while ${grouped(target.rows)} rows may be rewritten${target.dependents.views ? `, and a view that reads it makes the server refuse` : ''}.`;
  if (drift.is === 'gone') return `${named([name])} is gone at the source: rows from now on have NULL there, or keep what they had.`;
  if (drift.is === 'renamed') return `${driftText(drift)} Rows from now on fill only \`${name}\`.`;
  return drift.is === 'required' ? `\`${name}\` is never NULL at the source, and NULL in all rows of ${to.dataset} that are there.` : `${driftText(drift)}: a value may not fit, or mean something else.`;
}

const sql = sqlFor('postgres');
function table({ pipeline: { to } }: CopyInput) {
  const { schema, table: name } = relationParts(to.dataset) ?? { schema: 'public', table: to.dataset };
  return identifier(schema, name);
}
/** Statements that a person can paste. */
const adding = (input: CopyInput, name: string, native: string): string | null => (input.target.connector === 'postgres' ? compile(sql`ALTER TABLE ${table(input)} ADD COLUMN ${identifier(name)} ${typeName('postgres', native)}`).text : null);
const renaming = (input: CopyInput, { was, now }: Drift): string | null => (input.target.connector === 'postgres' ? compile(sql`ALTER TABLE ${table(input)} RENAME COLUMN ${identifier(was!.name)} TO ${identifier(now!.name)}`).text : null);
