import { type ColumnType, QUERY_INPUT, type QueryStage } from '@agent-etl/contracts';
import type { SourceColumn } from '../query/checked.ts';
import { columnKey, metColumns } from '../query/met-columns.ts';
import { treeOf } from '../query/validated-query.ts';
import { Refusal } from '../refusal.ts';
import { checkQueryStage } from '../steps/query.ts';

/** What a column behind a query is made of: columns of the rows before it, and of the inputs by their number. */
export interface QueryOrigin { readonly name: string; readonly from: readonly Place[]; readonly clear: readonly Place[] }
export interface Place { readonly input: number | null; readonly column: string }
export interface SeenByQuery { readonly names: readonly string[]; readonly inputs: readonly { readonly columns: readonly { readonly name: string; readonly type: ColumnType }[] }[] }

/** Read off the stored tree, which is checked again. Null where it does not fit the columns there are: then nobody knows, and every column is made of all. */
export function queryOrigins(stage: QueryStage, { names, inputs }: SeenByQuery): readonly QueryOrigin[] | null {
  if (stage.input.length !== names.length || stage.input.some(({ name }, nth) => name !== names[nth])) return null;
  const types = (columns: SeenByQuery['inputs'][number]['columns']) => new Map(columns.map(({ name, type }) => [name, type]));
  try {
    const checked = checkQueryStage(stage, { input: types(stage.input), inputs: inputs.map(({ columns }) => types(columns)) });
    const tree = treeOf(checked);
    const met = metColumns(tree, (relation) => relation !== QUERY_INPUT);
    const at = (column: SourceColumn): Place => ({ input: stage.relations.find(({ name }) => name === column.relation)?.input ?? null, column: column.column });
    const withMet = (columns: readonly SourceColumn[]): Place[] => columns.flatMap((column) => [column, ...(met.get(columnKey(column)) ?? [])]).map(at);
    return checked.outputs.map(({ name, origins, clear }) => ({ name, from: withMet([...origins, ...clear]), clear: withMet(clear) }));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return null;
  }
}
