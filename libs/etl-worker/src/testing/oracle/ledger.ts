import { type Ask, saidBy } from './ask.ts';

/** Where fence and ledger of a target are: in its own database, or for files in the state database. */
export type LedgerOf = 'table' | 'files';
export interface Pieces { readonly rows: number | null; readonly count: number | null }
const tables = { table: '_etl.ledger', files: 'worker.file_ledger' } as const;
const isPiece = `chunk_key <> 'publish' and chunk_key not like 'publishing%'`;

/** @param pieces rows that the pieces add up to, and how many there are; null where nobody knows */
export const ofLedger = (ask: Ask, { runId, of, pieces: { rows, count } }: { readonly runId: string; readonly of: LedgerOf; readonly pieces: Pieces }): Promise<string[]> => saidBy(ask, `with mine as (select * from ${tables[of]} where run_id = $1)
  select 'the ledger has ' || coalesce(sum(rows), 0) || ' rows, not ' || $2::numeric as what from mine where ${isPiece} having coalesce(sum(rows), 0) <> $2::numeric
  union all select 'the ledger has ' || count(*) || ' pieces, not ' || $3::int from mine where ${isPiece} having count(*) <> $3::int
  union all select 'a piece that nobody filled: ' || chunk_key from mine where rows is null
  union all select 'published ' || count(*) || ' times' from mine where chunk_key = 'publish' having count(*) <> 1
  union all select 'an older fence behind a newer: ' || late.chunk_key from mine late where exists (select from mine newer where newer.fence > late.fence and newer.written_at < late.written_at)`, [runId, rows, count]);
