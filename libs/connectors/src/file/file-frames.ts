import { type ColumnMapping, EtlError, type LoadTask, binaryFormOf } from '@agent-etl/contracts';
import type { DuckChild, FrameOptions } from '@agent-etl/engines';
import { compile, identifier, literal } from '@agent-etl/sql-safety';
import { lengthLimit } from '../judged/fit-rules.ts';
import { type Duck, cast, listOf, sql } from './duck-sql.ts';
import { duckTypeOf } from './file-types-rules.ts';

const cellAt = (index: number): Duck => sql`${identifier(`c${index}`)}`;
const WIDER: Readonly<Record<string, string>> = { smallint: 'SMALLINT', integer: 'INTEGER', bigint: 'BIGINT', real: 'FLOAT', 'double precision': 'DOUBLE', json: 'VARCHAR', jsonb: 'VARCHAR' };

/** The binary form of each column. @throws EtlError `plan.stale` when one has none: a plan of ours says frames only where all have one */
function wiresOf(columns: readonly ColumnMapping[]): string[] {
  return columns.map((column) => {
    const wire = binaryFormOf(column);
    if (wire === null) throw new EtlError('plan.stale');
    return wire;
  });
}

/** Writes the rows c0, c1, … into a FIFO as messages of a binary COPY into the columns of the target. Answers the rows. */
export function writeFrames(duck: DuckChild, from: Duck, { columns, ...options }: Pick<LoadTask, 'columns'> & Omit<FrameOptions, 'wires'>): Promise<number> {
  const wires = wiresOf(columns);
  const values = columns.map(({ type }, index) => cast(cellAt(index), WIDER[wires[index] ?? ''] ?? duckTypeOf(type)));
  return duck.frames(compile(sql`SELECT ${listOf(values)} FROM (${from}) AS rows`), { ...options, wires });
}

/** A server names the column of a binary value that it refuses, and not the value. This looks for the first one that the target does not hold.
 * Answers the failure as it was when it is of another kind, or when there is none to find. */
export async function withValue(failure: unknown, columns: readonly ColumnMapping[], within: <T>(work: (duck: DuckChild, from: Duck) => Promise<T>) => Promise<T>): Promise<unknown> {
  if (!(failure instanceof EtlError) || failure.code !== 'data.value-out-of-range' || failure.cell?.value !== '') return failure;
  const { cell } = failure;
  const index = columns.findIndex(({ target }) => target === cell.column);
  const misfits = columns[index] && misfitsOf(columns[index], cellAt(index));
  if (!misfits) return failure;
  const [found] = await within((duck, from) => duck.query(compile(sql`SELECT left(CAST(${cellAt(index)} AS VARCHAR), ${literal('duckdb', 200)}) AS v FROM (${from}) AS rows WHERE ${misfits} LIMIT 1`)));
  return typeof found?.['v'] === 'string' ? new EtlError(failure.code, failure.details, { cause: failure.cause, cell: { ...cell, value: found['v'] } }) : failure;
}
/** What the server refuses of a type that has a binary form: a text that is too long (blanks at its end do not count), a day that it has not, JSON that is none. */
function misfitsOf(column: ColumnMapping, cell: Duck): Duck | null {
  const most = lengthLimit(column);
  if (most !== null) return sql`length(rtrim(${cell})) > ${literal('duckdb', most)}`;
  switch (column.type.kind) {
    case 'date': return sql`isfinite(${cell}) AND year(${cell}) NOT BETWEEN -4713 AND 5874896`;
    case 'ts': case 'tstz': return sql`isfinite(${cell}) AND year(${cell}) NOT BETWEEN -4713 AND 294275`;
    case 'json': return sql`NOT json_valid(CAST(${cell} AS VARCHAR)) OR contains(CAST(${cell} AS VARCHAR), ${literal('duckdb', '\\u0000')})`;
    default: return null;
  }
}
