import type { LineageColumn, LoadTask, Pipeline } from '@agent-etl/contracts';
import { type OutputColumn, outputOf } from '@agent-etl/sql-safety';

type Travels = Pick<LoadTask, 'columns' | 'transform'>;
/** What each column of a target is made of, read from the task that reads its source. Columns that no step touches are what they are called. */
export function lineageOf({ columns, transform }: Travels, pii: Pipeline['from']['pii'] = []): LineageColumn[] {
  const made: readonly OutputColumn[] = transform ? outputOf(transform) : columns.map(({ source }) => ({ name: source, from: [source], clear: [source] }));
  return columns.map(({ source, target }) => {
    const { from, clear } = made.find(({ name }) => name === source) ?? { from: [], clear: [...pii] };
    return { column: target, from: [...from], pii: clear.filter((name) => pii.includes(name)), masked: from.filter((name) => pii.includes(name) && !clear.includes(name)) };
  });
}
