import type { ColumnMapping, PipelineCheck, RowCheck } from '@agent-etl/contracts';

type Kind = ColumnMapping['type']['kind'];
type Value = string | number | boolean;
interface Spelling { readonly form: RegExp; readonly like: string }
const whole: Spelling = { form: /^-?\d{1,38}$/, like: 'a whole number' };
const number: Spelling = { form: /^-?\d{1,38}(\.\d{1,38})?([eE][+-]?\d{1,3})?$/, like: 'a number' };
const day = String.raw`\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])`;
const clock = String.raw`([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?`;
const spellings: Partial<Record<Kind, Spelling>> = {
  i16: whole, i32: whole, i64: whole, dec: number, f32: number, f64: number, bool: { form: /^(true|false)$/, like: 'true or false' },
  date: { form: new RegExp(`^${day}$`), like: 'a date such as 2011-12-31' }, time: { form: new RegExp(`^${clock}$`), like: 'a time such as 23:59:59' },
  ts: { form: new RegExp(`^${day}([ T]${clock})?$`), like: 'a time such as 2011-12-31 23:59:59' }, tstz: { form: new RegExp(`^${day}[ T]${clock} ?(Z|[+-]\\d{2}(:?\\d{2})?)$`), like: 'an instant such as 2011-12-31T23:59:59Z' },
  text: { form: /^/, like: 'a text' }, uuid: { form: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, like: 'a UUID' },
};
/** Whether values of a kind have an order and a spelling that every engine shares. */
export const isComparable = (kind: Kind): boolean => spellings[kind] !== undefined;
/** What is wrong with a value that a column is compared with, or null. */
export function valueProblem(value: string, kind: Kind): string | null {
  const spelling = spellings[kind];
  if (!spelling) return `a column of type ${kind} is compared with nothing`;
  return spelling.form.test(value) ? null : `${JSON.stringify(value.slice(0, 40))} is not ${spelling.like}`;
}

const listed = (names: string | readonly string[]): readonly string[] => (typeof names === 'string' ? [names] : names);
const text = (value: Value): string => String(value);
/** @property at where in the pipeline it stands, as a JSON pointer */
export interface WrittenCheck { readonly at: string; readonly check: RowCheck; readonly severity: 'error' | 'warn'; readonly atMost: number | string | null }
/** Checks in the short form of a person, one by one, with texts for values. */
export function writtenChecks(checks: readonly PipelineCheck[]): WrittenCheck[] {
  return checks.flatMap((written, index) => placed(written, index).map((each): WrittenCheck => ({ ...each, severity: written.severity ?? 'error', atMost: written.atMost ?? null })));
}
function placed(written: PipelineCheck, index: number): Pick<WrittenCheck, 'at' | 'check'>[] {
  const at = (rest: string): string => `/pipeline/checks/${index}/${rest}`;
  if ('not_null' in written) return listed(written.not_null).map((column, place) => ({ at: at(`not_null/${place}`), check: { check: 'not_null', column } }));
  if ('unique' in written) return [{ at: at('unique'), check: { check: 'unique', columns: [...listed(written.unique)] } }];
  if ('in' in written) return [{ at: at('in'), check: { check: 'in', column: written.in.column, values: [...new Set(written.in.values.map(text))] } }];
  const { column, from, to } = written.range;
  return [{ at: at('range'), check: { check: 'range', column, ...(from === undefined ? {} : { from: text(from) }), ...(to === undefined ? {} : { to: text(to) }) } }];
}
export const columnsOfCheck = (check: RowCheck): readonly string[] => (check.check === 'unique' ? check.columns : [check.column]);
/** How a check is called in reasons and plans: not_null:title. */
export const nameOfCheck = (check: RowCheck): string => `${check.check}:${columnsOfCheck(check).join(',')}`;

/** What is wrong with a check over columns that travel, with the end of its path; null when nothing is. */
export function checkProblem(check: RowCheck, columns: readonly ColumnMapping[]): { at: string; text: string; name?: string } | null {
  for (const name of columnsOfCheck(check)) if (!columns.some(({ target }) => target === name)) return { at: '/column', text: `no column ${name} travels`, name };
  if (check.check === 'unique') return new Set(check.columns).size === check.columns.length ? null : { at: '', text: 'a column stands there twice' };
  if (check.check === 'not_null') return null;
  const kind = columns.find(({ target }) => target === check.column)!.type.kind;
  if (!isComparable(kind)) return { at: '/column', text: `${check.column} is ${kind}: its values are compared with nothing` };
  if (check.check === 'in') {
    const wrong = check.values.findIndex((value) => valueProblem(value, kind) !== null);
    return wrong < 0 ? null : { at: `/values/${wrong}`, text: valueProblem(check.values[wrong]!, kind)! };
  }
  if (check.from === undefined && check.to === undefined) return { at: '', text: 'a range needs from, to, or both' };
  if (kind === 'bool' || kind === 'uuid') return { at: '/column', text: `${check.column} is ${kind}: it has no range` };
  for (const edge of ['from', 'to'] as const) {
    const problem = check[edge] === undefined ? null : valueProblem(check[edge], kind);
    if (problem) return { at: `/${edge}`, text: problem };
  }
  return null;
}
