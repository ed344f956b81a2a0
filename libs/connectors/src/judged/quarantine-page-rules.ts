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
/** Rows are missing beside what their run published; of a run that published nothing, all rows are missing, and its next attempt reads them all again. */
export const ofNoGreenRun = (pipeline: string, rows: number): EtlError => new EtlError('request.conflict', { what: `${rows === 1 ? 'a row' : `${rows} rows`} of ${pipeline} in quarantine`, state: 'set aside by a run that published nothing', action: 'bringing back', next: `agent-etl quarantine export ${pipeline} takes those that are missing beside a green run` });
