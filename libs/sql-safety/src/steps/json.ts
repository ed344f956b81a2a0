import type { ColumnType, Expr } from '@agent-etl/contracts';

/** Values taken from a document, each by its path and as a type. */
export interface JsonStep { readonly op: 'json'; readonly column: string; readonly fields: readonly { readonly as: string; readonly path: JsonPath; readonly to: ColumnType; readonly onError: 'fail' | 'null' }[] }
export type JsonPath = readonly (string | number)[];

/** A value of a document as a type. Numbers with a fraction are read as doubles, as readers of JSON do; all others by their text.
 * A path that leads nowhere, null, an object and an array are NULL: the rule of JSON_VALUE in SQL:2016. */
function jsonValue(document: Expr, path: JsonPath, { to, onError }: { readonly to: ColumnType; readonly onError: 'fail' | 'null' }): Expr {
  const places = path.map((part): Expr => (typeof part === 'number' ? { k: 'lit', t: { kind: 'i64' }, v: String(part) } : { k: 'lit', t: { kind: 'text' }, v: part }));
  const isNumber = to.kind === 'f64' || to.kind === 'dec';
  const found: Expr = { k: 'call', fn: isNumber ? 'json_number' : 'json_text', args: [document, ...places] };
  return to.kind === 'f64' || to.kind === 'text' ? found : { k: 'cast', e: found, to, onError };
}
export const jsonColumns = ({ column, fields }: Pick<JsonStep, 'column' | 'fields'>): readonly { readonly as: string; readonly expr: Expr }[] =>
  fields.map(({ as, path, to, onError }) => ({ as, expr: jsonValue({ k: 'col', name: column }, path, { to, onError }) }));
