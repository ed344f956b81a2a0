import { type Column, type ColumnMapping, EtlError, type Issue, didYouMean } from '@agent-etl/contracts';
import { type CopyInput, type Ruled, decide, named, plural } from '../decide.ts';
import { historyColumns } from './history-shape.ts';
import { asRead, fitOf } from './types.ts';

/** Which columns travel, and as what. A target that exists keeps its types; a new one gets the source's, spelled by the target's connector.
 * @throws EtlError `source.not-found` for a selected column that is not there, `plan.type-unsupported` or `plan.refused` with an issue per column */
export function ruleColumns(input: CopyInput): Ruled<ColumnMapping[]> {
  const chosen = selected(input);
  const mapped = chosen.map((column) => mapOne(input, column));
  refuse([...mapped.flatMap((each) => ('issue' in each ? [each] : [])), ...unfilled(input, chosen)]);
  const value = mapped.flatMap((each) => ('mapping' in each ? [each.mapping] : []));
  const risks = [...mapped.flatMap((each) => ('mapping' in each && each.risk ? [each.risk] : [])), ...untouched(input, value)];
  return { value, risks, decisions: [columnsDecision(input, chosen), typesDecision(input, value), ...noticed(input, value)] };
}

function selected({ pipeline: { from }, source }: CopyInput): Column[] {
  if (!source.columns.length) throw new EtlError('profile.unusable', { dataset: from.dataset, what: 'columns' });
  if (!from.select) return source.columns;
  const twice = from.select.find((name, index) => from.select?.indexOf(name) !== index);
  if (twice !== undefined) throw new EtlError('request.invalid', { pointer: '/pipeline/from/select', problem: `${twice} stands there twice` });
  return from.select.map((name) => {
    const column = source.columns.find((each) => each.name === name);
    if (column) return column;
    throw new EtlError('source.not-found', { connection: from.connection, what: `column`, name: `${from.dataset}.${name}`, nearest: didYouMean(name, source.columns.map((each) => each.name)) });
  });
}

interface Refused { readonly issue: Issue; readonly column: Column }
type Mapped = { mapping: ColumnMapping; risk: string | null } | Refused;

/** A type that the target cannot hold is told as such; any other misfit of the columns as what the plan breaks. */
function refuse(refused: readonly Refused[]): void {
  const [first] = refused;
  if (!first) return;
  const issues = refused.map(({ issue }) => issue);
  if (first.issue.code === 'type') throw new EtlError('plan.type-unsupported', { column: first.column.name, type: first.column.native }, { issues });
  throw new EtlError('plan.refused', { rule: `target.${first.issue.code}`, explanation: first.issue.text.replace(/\.$/, ''), next: nextOf[first.issue.code] }, { issues });
}
const nextOf: Readonly<Record<string, string>> = {
  'column-missing': 'add the column to the target, or choose others with from.select', 'column-generated': 'leave it out with from.select',
  'column-unfilled': 'give the column a default or allow NULL, or let the source have it',
};
const about = (code: string, column: Column, text: string): Refused => ({ column, issue: { code, path: `/columns/${column.name}`, text } });

/** Columns that the target must have filled and that nothing fills. */
function unfilled({ target, pipeline: { to } }: CopyInput, chosen: readonly Column[]): Refused[] {
  if (target.connector === 'file') return [];
  const ours = to.load === 'scd2' ? historyColumns : {};
  return target.columns.filter(({ name, nullable, filled }) => !nullable && !filled && !(name in ours) && !chosen.some((column) => column.name === name))
    .map((column) => about('column-unfilled', column, `${to.dataset} needs ${column.name}: it may not be NULL, has no default, and the source has no such column.`));
}

function mapOne(input: CopyInput, found: Column): Mapped {
  const { target, source, mapColumn } = input;
  const there = target.columns.find(({ name }) => name === found.name);
  const column = there && target.connector !== 'file' && !input.transform ? asRead(source, found, there) : found;
  const base = { source: column.name, target: column.name, type: column.type, sourceNative: column.native };
  if (target.exists && target.connector !== 'file') {
    if (!there) {
      const near = didYouMean(column.name, target.columns.map(({ name }) => name));
      return about('column-missing', column, `${input.pipeline.to.dataset} has no column ${column.name}${near ? `: ${near}` : '.'}`);
    }
    if (there.filled === 'always') return about('column-generated', column, `${input.pipeline.to.dataset} makes ${column.name} itself and takes no value for it.`);
    const fit = fitOf(column, there);
    if (fit === 'never') return about('type', column, `${column.name}: ${column.native} does not go into ${there.native}.`);
    const risk = column !== found ? `${column.name} is read as ${there.native}: a cell that is none stops the run.` : fit === 'narrows' ? `${column.name} goes from ${column.native} into ${there.native}: a value that does not fit stops the run.`
      : column.nullable && !there.nullable ? `${column.name} may be NULL at the source and not at the target: a NULL stops the run.` : null;
    return { mapping: { ...base, targetNative: there.native, nullable: there.nullable, sourceNullable: column.nullable }, risk };
  }
  // One engine on both ends spells its own types best, but a type of its own making may not exist in the other database.
  const own = source.connector === 'postgres' && target.connector === 'postgres' && column.type.kind !== 'other' ? { native: column.native } : mapColumn(target.connector, column);
  if (!own) return about('type', column, `${column.name}: a ${target.connector} target cannot hold ${column.native}.`);
  return { mapping: { ...base, targetNative: own.native, nullable: column.nullable, sourceNullable: column.nullable }, risk: null };
}

/** Columns that only the target has: a replace loses them, anything else fills them with NULL or their default. */
function untouched({ target, pipeline: { to } }: CopyInput, mapped: readonly ColumnMapping[]): string[] {
  const only = target.columns.filter(({ name }) => !mapped.some((column) => column.target === name) && !(to.load === 'scd2' && name in historyColumns)).map(({ name }) => name);
  return target.connector !== 'file' && only.length ? [`The target also has ${named(only)}, which the source does not fill.`] : [];
}

/** What the profile says of columns that travel as it proposed: each becomes a Decision with what lost. */
function noticed({ source }: CopyInput, mapped: readonly ColumnMapping[]) {
  return (source.notices ?? []).filter(({ column }) => mapped.some(({ source: name, type }) => name === column && type.kind === source.columns.find((each) => each.name === column)?.type.kind))
    .map(({ code, column, text, instead }) => decide('types', `\`${column}\` as it was profiled`, { why: [code, text], rejected: [[instead.choice, instead.because]] }));
}

function columnsDecision({ pipeline: { from }, source }: CopyInput, chosen: readonly Column[]) {
  const left = source.columns.length - chosen.length;
  return from.select
    ? decide('columns', `${chosen.length} of ${source.columns.length}`, { by: 'person', why: ['select', `The request selects ${plural(chosen.length, 'column')}.`], rejected: [['all columns', `${plural(left, 'column')} would travel unasked.`]] })
    : decide('columns', `all ${chosen.length}`, { why: ['all-columns', `No selection was made; the source has ${plural(chosen.length, 'column')}.`], rejected: [['a selection', 'Leaving a column out unasked would lose data.']] });
}

function typesDecision({ target }: CopyInput, mapped: readonly ColumnMapping[]) {
  const changed = mapped.filter(({ sourceNative, targetNative }) => sourceNative !== targetNative);
  const shown = changed.slice(0, 5).map(({ target: name, sourceNative, targetNative }) => `\`${name}\` ${sourceNative} -> ${targetNative}`).join(', ');
  if (target.exists && target.connector !== 'file') {
    return decide('types', 'those of the target', {
      why: ['target-types', changed.length ? `The target exists: ${plural(changed.length, 'column')} of ${mapped.length} differ (${shown}).` : `The target exists and all ${mapped.length} types are equal.`],
      rejected: [['those of the source', 'A column of yours is never altered unasked.']] });
  }
  return decide('types', changed.length ? 'lossless mapping' : 'as at the source', {
    why: changed.length ? ['lossless', `${plural(changed.length, 'column')} of ${mapped.length} are spelled otherwise there, without loss: ${shown}.`] : ['equal-types', `All ${mapped.length} types exist on both sides.`],
    rejected: [['text for everything', `${plural(mapped.length, 'column')} would lose order and arithmetic.`]] });
}
