import { type Column, type ColumnMapping, EtlError, type Issue, didYouMean } from '@agent-etl/contracts';
import { type CopyInput, type Ruled, decide, named, plural } from '../decide.ts';
import { fitOf } from './types.ts';

/** Which columns travel, and as what. A target that exists keeps its types; a new one gets the source's, spelled by the target's connector.
 * @throws EtlError `source.not-found` for a selected column that is not there, `plan.type-unsupported` with an issue per column */
export function ruleColumns(input: CopyInput): Ruled<ColumnMapping[]> {
  const chosen = selected(input);
  const mapped = chosen.map((column) => mapOne(input, column));
  const issues = mapped.flatMap((each) => ('issue' in each ? [each.issue] : []));
  const first = mapped.find((each) => 'issue' in each);
  if (first && 'issue' in first) throw new EtlError('plan.type-unsupported', { column: first.column.name, type: first.column.native }, { issues });
  const value = mapped.flatMap((each) => ('mapping' in each ? [each.mapping] : []));
  const risks = [...mapped.flatMap((each) => ('mapping' in each && each.risk ? [each.risk] : [])), ...untouched(input, value)];
  return { value, risks, decisions: [columnsDecision(input, chosen), typesDecision(input, value)] };
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

type Mapped = { mapping: ColumnMapping; risk: string | null } | { issue: Issue; column: Column };

function mapOne({ target, source, mapColumn }: CopyInput, column: Column): Mapped {
  const there = target.columns.find(({ name }) => name === column.name);
  const base = { source: column.name, target: column.name, type: column.type, sourceNative: column.native };
  if (target.exists && target.connector !== 'file') {
    if (!there) {
      const near = didYouMean(column.name, target.columns.map(({ name }) => name));
      return { column, issue: { code: 'column-missing', path: `/columns/${column.name}`, text: `The target has no column ${column.name}${near ? `: ${near}` : '.'}` } };
    }
    const fit = fitOf(column, there);
    if (fit === 'never') return { column, issue: { code: 'type', path: `/columns/${column.name}`, text: `${column.name}: ${column.native} does not go into ${there.native}.` } };
    const risk = fit === 'narrows' ? `${column.name} goes from ${column.native} into ${there.native}: a value that does not fit stops the run.`
      : column.nullable && !there.nullable ? `${column.name} may be NULL at the source and not at the target: a NULL stops the run.` : null;
    return { mapping: { ...base, targetNative: there.native, nullable: there.nullable }, risk };
  }
  // One engine on both ends spells its own types best, but a type of its own making may not exist in the other database.
  const own = source.connector === 'postgres' && target.connector === 'postgres' && column.type.kind !== 'other' ? { native: column.native } : mapColumn(target.connector, column);
  if (!own) return { column, issue: { code: 'type', path: `/columns/${column.name}`, text: `${column.name}: a ${target.connector} target cannot hold ${column.native}.` } };
  return { mapping: { ...base, targetNative: own.native, nullable: column.nullable }, risk: null };
}

/** Columns that only the target has: a replace loses them, anything else fills them with NULL or their default. */
function untouched({ target }: CopyInput, mapped: readonly ColumnMapping[]): string[] {
  const only = target.columns.filter(({ name }) => !mapped.some((column) => column.target === name)).map(({ name }) => name);
  return target.connector === 'postgres' && only.length ? [`The target also has ${named(only)}, which the source does not fill.`] : [];
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
