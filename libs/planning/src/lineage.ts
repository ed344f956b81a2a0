import { type DatasetRef, type LineageColumn, type LoadTask, type Pipeline, addressOf } from '@agent-etl/contracts';
import { type OutputColumn, outputOf, relationParts } from '@agent-etl/sql-safety';

type Travels = Pick<LoadTask, 'source' | 'columns' | 'transform'>;
/** What each column of a target is made of, read from the task that reads its source. Columns that no step touches are what they are called.
 * A source that its steps read once more, beside itself, is as personal there. */
export function lineageOf({ source: read, columns, transform }: Travels, pii: Pipeline['from']['pii'] = []): LineageColumn[] {
  const made: readonly OutputColumn[] = transform ? outputOf(transform) : columns.map(({ source }) => ({ name: source, from: [source], clear: [source] }));
  const again = (transform?.inputs ?? []).filter(({ source }) => isSame(source, read));
  const personal = new Map(pii.flatMap((name) => [name, ...again.map(({ source }) => `${addressOf(source)}.${name}`)].map((spelled) => [spelled, name] as const)));
  const declared = (names: readonly string[]): string[] => [...new Set(names.flatMap((name) => personal.get(name) ?? []))];
  return columns.map(({ source, target }) => {
    const { from, clear } = made.find(({ name }) => name === source) ?? { from: [], clear: [...pii] };
    const open = declared(clear);
    return { column: target, from: [...from], pii: open, masked: declared(from).filter((name) => !open.includes(name)) };
  });
}
/** Whether two names are those of one dataset: public is the schema of a name that says none, and quotes are no part of it. */
function isSame(a: DatasetRef, b: DatasetRef): boolean {
  const [one, other] = [a, b].map(({ dataset }) => { const parts = relationParts(dataset); return parts ? `${parts.schema}.${parts.table}` : dataset; });
  return a.connection === b.connection && (a.dataset === b.dataset || one === other);
}
