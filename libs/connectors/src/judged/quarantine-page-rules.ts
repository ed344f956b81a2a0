import { EtlError, QuarantinePage } from '@agent-etl/contracts';

const PAGE_CHARACTERS = 200_000;
/** As many rows as a message takes; the rest is the next page. */
export function pageOf(rows: readonly { readonly id: number; readonly raw: string }[], limit: number): QuarantinePage {
  let characters = 0;
  const fit = rows.filter(({ raw }, index) => { characters += raw.length; return index === 0 || characters <= PAGE_CHARACTERS; });
  const isMore = fit.length < rows.length || rows.length === limit;
  return QuarantinePage.parse({ groups: [], rows: fit.map((row) => ({ ...row, raw: row.raw.slice(0, PAGE_CHARACTERS) })), next: isMore ? fit.at(-1)?.id ?? null : null });
}

export const alreadyReplayed = (pipeline: string, rows: number): EtlError => new EtlError('request.conflict', { what: `the quarantine of ${pipeline}`, state: `without ${rows} of these rows: they have been brought back, or are not there`, action: 'bringing them back again', next: `agent-etl quarantine show ${pipeline} --waiting` });
