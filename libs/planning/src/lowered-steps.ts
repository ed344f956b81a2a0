import type { Expr, Issue, Measure, Query, Step, WindowColumn } from '@agent-etl/contracts';
import { type Checked, type ExprDialect, type Fused, type InputColumns, type LoweredStep, type Written, characterAt, checked, fuseSteps, pivotStep, sampleStep, stepType } from '@agent-etl/sql-safety';
import { lowerJoin, lowerLookup, lowerOrder, lowerRelations, lowerUnion, numbered } from './lowered-others.ts';
import { withPlace } from './place-in-text.ts';
import type { Reaching } from './step-engine.ts';

/** Reads a text as a query. The issues have their characters of the text. */
export type ReadQuery = (written: Written, path: string) => Promise<Checked<Query>>;
/** Reads a text as an expression; `path` says where it stands. */
export type ReadExpression = (text: string, path: string) => Promise<Checked<Expr>>;
const at = (index: number, ...rest: readonly string[]): string => ['/pipeline/steps', index, ...rest].join('/');

/** Reads the texts of steps, whose columns nobody has looked up.
 * @returns every text that cannot be read as an issue */
export async function loweredOf(steps: readonly Step[], readers: Readers): Promise<Checked<readonly LoweredStep[]>> {
  const number = numbered(steps);
  const lowered = await Promise.all(steps.map((step, index) => lower(step, { index, ...readers, number })));
  const issues = lowered.flatMap((each) => (each.ok ? [] : each.issues));
  return issues.length ? { ok: false, issues } : { ok: true, value: lowered.flatMap((each) => (each.ok ? [each.value] : [])) };
}
/** Reads the texts of steps and makes one projection and one condition of all of them.
 * @returns every text that cannot be read as an issue, or else the first step that does not fit its columns */
export async function fusedOf(steps: readonly Step[], { input, read, readQuery, ...engine }: Fitting): Promise<Checked<Fused>> {
  const lowered = await loweredOf(steps, { read, readQuery });
  if (!lowered.ok) return lowered;
  const { value: values } = lowered;
  let failing = 0;
  const fused = checked(() => '', () => fuseSteps(values, input, { ...engine, at: (index) => { failing = index; } }));
  if (fused.ok) return fused;
  const { query, ...step } = steps[failing] ?? {};
  return { ok: false, issues: fused.issues.map(({ offset: _, ...issue }) => ({ ...issue, path: at(failing, Object.keys(step)[0] ?? '') })).map((issue, nth) => (query ? withPlace(inQuery(fused.issues[nth]!, failing, query.sql), query.sql) : issue)) };
}

/** A query that is read is checked where no text is known: its places are in bytes. */
const inQuery = ({ offset, ...issue }: Issue, failing: number, text: string): Issue => ({ ...issue, path: at(failing, 'query', 'sql'), ...(offset === undefined ? {} : { offset: characterAt(text, offset) }) });

/** What reads the texts of steps. */
export interface Readers { readonly read: ReadExpression; readonly readQuery: ReadQuery }
/** @property inputs columns of the other datasets, in the order of `otherDatasets` */
export interface Fitting extends Readers { readonly input: InputColumns; readonly dialect: ExprDialect; readonly inputs?: readonly InputColumns[]; readonly handsOff?: Reaching }
interface Place extends Readers { readonly index: number; readonly number: (address: string) => number }
async function lower(step: Step, { index, read, readQuery, number }: Place): Promise<Checked<LoweredStep>> {
  const place: Place = { index, read, readQuery, number };
  const { filter, derive, select, drop, rename, cast, aggregate, dedupe, limit, sort, flatten, json, mask, pivot, sample, unpivot, window, join, lookup, union, query, tokenize } = step;
  if (filter !== undefined) return onto(await read(filter, at(index, 'filter')), (where) => ({ op: 'filter', where }));
  if (derive) return derived(derive, place);
  if (select) return { ok: true, value: { op: 'select', columns: select } };
  if (drop) return { ok: true, value: { op: 'drop', columns: drop } };
  if (rename) return { ok: true, value: { op: 'rename', names: new Map(Object.entries(rename)) } };
  if (aggregate) return grouped(aggregate, place);
  if (dedupe) return { ok: true, value: { op: 'first', keys: dedupe.keys, order: dedupe.keep.map(lowerOrder) } };
  if (limit) return { ok: true, value: { op: 'limit', order: (limit.by ?? []).map(lowerOrder), n: limit.n, offset: limit.offset ?? 0 } };
  if (sort) return { ok: true, value: { op: 'sort', order: sort.map(lowerOrder) } };
  if (flatten) { const fields = fieldsOf(flatten.fields, at(index, 'flatten')); return fields.ok ? { ok: true, value: { op: 'flatten', column: flatten.column, fields: fields.value, empty: flatten.empty ?? 'drop' } } : fields; }
  if (json) { const fields = fieldsOf(json.fields, at(index, 'json')); return fields.ok ? { ok: true, value: { op: 'json', column: json.column, fields: fields.value } } : fields; }
  if (mask) return { ok: true, value: { op: 'mask', column: mask.column, method: mask.method ?? 'null', value: mask.value ?? null, ...(mask.keyRef === undefined ? {} : { key: mask.keyRef }) } };
  if (tokenize) return { ok: true, value: { op: 'mask', column: tokenize.column, method: 'token', value: tokenize.scope ?? 'default', key: tokenize.keyRef } };
  if (pivot) return pivoted(pivot, place);
  if (sample) return { ok: true, value: sampleStep({ ...sample, seed: sample.seed ?? 0 }) };
  if (unpivot) return { ok: true, value: { op: 'unpivot', ...unpivot, keep: unpivot.keep ?? null, nulls: unpivot.nulls ?? 'keep' } };
  if (window) return windowed(window, place);
  if (join) return { ok: true, value: lowerJoin(join, number) };
  if (lookup) return { ok: true, value: lowerLookup(lookup, number) };
  if (union) return { ok: true, value: lowerUnion(union, number) };
  if (query) return asked(query, place);
  const { column = '', to = '', format, onError = 'fail' } = cast ?? {};
  return onto(checked(at(index, 'cast', 'to'), () => stepType(to)), (type) => ({ op: 'cast', column, to: type, onError, ...(format === undefined ? {} : { format }) }));
}
async function asked(query: NonNullable<Step['query']>, { index, readQuery, number }: Place): Promise<Checked<LoweredStep>> {
  const read = await readQuery({ text: query.sql.replace(/;\s*$/, ''), dialect: query.dialect ?? 'postgres' }, at(index, 'query', 'sql'));
  return read.ok ? { ok: true, value: { op: 'query', query: read.value, relations: lowerRelations(query, number) } } : { ok: false, issues: read.issues.map((issue) => withPlace(issue, query.sql)) };
}
/** A stored object does not keep the order of its keys: columns of one step stand in the order of their names. */
async function derived(columns: Readonly<Record<string, string>>, { index, read }: Place): Promise<Checked<LoweredStep>> {
  const exprs = await Promise.all(Object.entries(columns).sort(([a], [b]) => (a < b ? -1 : 1)).map(async ([as, text]) => ({ as, expr: await read(text, at(index, 'derive', as)) })));
  const issues: Issue[] = exprs.flatMap(({ expr }) => (expr.ok ? [] : expr.issues));
  return issues.length ? { ok: false, issues } : { ok: true, value: { op: 'derive', columns: exprs.flatMap(({ as, expr }) => (expr.ok ? [{ as, expr: expr.value }] : [])) } };
}
function fieldsOf(fields: NonNullable<Step['json']>['fields'], path: string): Checked<Extract<LoweredStep, { op: 'json' }>['fields']> {
  const typed = fields.map(({ as, path: within = [], to = 'text', onError = 'fail' }, nth) => ({ as, path: within, onError, to: checked([path, 'fields', nth, 'to'].join('/'), () => stepType(to)) }));
  const issues = typed.flatMap(({ to }) => (to.ok ? [] : to.issues));
  return issues.length ? { ok: false, issues } : { ok: true, value: typed.flatMap(({ to, ...rest }) => (to.ok ? [{ ...rest, to: to.value }] : [])) };
}
const written = async (text: string | undefined, path: string, read: ReadExpression): Promise<Checked<Expr | null>> => (text === undefined ? { ok: true, value: null } : read(text, path));
async function grouped({ by = [], measures }: NonNullable<Step['aggregate']>, { index, read }: Place): Promise<Checked<LoweredStep>> {
  const path = (nth: number, key: string): string => at(index, 'aggregate', 'measures', String(nth), key);
  const lowered = await Promise.all(measures.map(async ({ as, fn, arg, where }, nth) => ({ as, fn, arg: await written(arg, path(nth, 'arg'), read), where: await written(where, path(nth, 'where'), read) })));
  const issues = lowered.flatMap(({ arg, where }) => [arg, where].flatMap((each) => (each.ok ? [] : each.issues)));
  const values = lowered.flatMap(({ as, fn, arg, where }): Measure[] => (arg.ok && where.ok ? [{ as, fn, arg: arg.value, where: where.value }] : []));
  return issues.length ? { ok: false, issues } : { ok: true, value: { op: 'group', by, measures: values } };
}
async function pivoted({ by = [], key, values, fn, arg }: NonNullable<Step['pivot']>, { index, read }: Place): Promise<Checked<LoweredStep>> {
  const lowered = await written(arg, at(index, 'pivot', 'arg'), read);
  return lowered.ok ? checked(at(index, 'pivot', 'values'), () => pivotStep({ by, key, values, fn, arg: lowered.value })) : lowered;
}
const frameOf = (rows: NonNullable<Step['window']>['columns'][number]['rows']): WindowColumn['frame'] =>
  (rows === undefined ? null : rows === 'all' ? { before: null, after: 'all' } : { before: rows === 'running' ? null : rows, after: 'none' });
async function windowed({ partitionBy = [], orderBy = [], columns }: NonNullable<Step['window']>, { index, read }: Place): Promise<Checked<LoweredStep>> {
  const lowered = await Promise.all(columns.map(async ({ as, fn, arg, offset, rows }, nth) => ({ column: { as, fn, offset: offset ?? (fn === 'lag' || fn === 'lead' ? 1 : null), frame: frameOf(rows) }, arg: await written(arg, at(index, 'window', 'columns', String(nth), 'arg'), read) })));
  const issues = lowered.flatMap(({ arg }) => (arg.ok ? [] : arg.issues));
  return issues.length ? { ok: false, issues } : { ok: true, value: { op: 'window', partition: partitionBy, order: orderBy.map(lowerOrder), columns: lowered.flatMap(({ column, arg }) => (arg.ok ? [{ ...column, arg: arg.value }] : [])) } };
}
const onto = <T>(answer: Checked<T>, make: (value: T) => LoweredStep): Checked<LoweredStep> => (answer.ok ? { ok: true, value: make(answer.value) } : answer);
