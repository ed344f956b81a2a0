import { EtlError } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import { compile, literal } from '@agent-etl/sql-safety';
import type { ReadCount } from '../port.ts';
import { sql } from './duck-sql.ts';
import type { OpenedSource } from './opened-source.ts';

const PAGE = 5_000;
/** More than these are no bad rows in a file, but a file of another kind. */
const MOST = 100_000;
type Unread = NonNullable<ReadCount['unread']>;

/** Lines that were no rows, as the engine kept them while it read: it counts rows with the header, also where a cell goes over several lines.
 * @throws EtlError `data.too-many-rejects` */
export async function unreadLines(duck: DuckChild, { plan, files }: Pick<OpenedSource, 'plan' | 'files'>): Promise<Unread> {
  if (plan.format === 'parquet' || plan.format === 'json') return [];
  const before = plan.format === 'csv' && plan.dialect.header === 'true' ? 1 : 0;
  const found: { row: number | null; reason: string; raw: string }[] = [];
  for (let after = 0; ; after += PAGE) {
    const page = await duck.query(compile(sql`SELECT line, any_value(csv_line) AS raw FROM reject_errors GROUP BY scan_id, file_id, line ORDER BY line, file_id LIMIT ${literal('duckdb', PAGE)} OFFSET ${literal('duckdb', after)}`));
    for (const { line, raw } of page) found.push({ row: files.length > 1 ? null : Number(line) - before, reason: 'parse', raw: String(raw ?? '') });
    if (found.length > MOST) throw new EtlError('data.too-many-rejects', { count: found.length, limit: MOST, reason: 'parse' });
    if (page.length < PAGE) return found;
  }
}
