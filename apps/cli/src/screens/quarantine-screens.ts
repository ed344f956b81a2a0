import type { AsideReason, QuarantineGroup, QuarantinedRow } from '@agent-etl/contracts';
import { printable } from './ansi.ts';
import { table, wrap } from './layout.ts';
import { agoText, grouped } from './numbers.ts';

const rowText = (row: number | null): string => (row === null ? '' : `row ${grouped(row)}`);
/** Rejected rows of a run, a line per reason with an example. */
export const asideLines = (aside: readonly AsideReason[]): string[] => {
  const width = Math.max(0, ...aside.map(({ rows }) => grouped(rows).length));
  return aside.map(({ reason, rows, row }, index) => ` ${index === 0 ? 'aside' : '     '}   ${grouped(rows).padStart(width)}  ${printable(reason).padEnd(32)} ${row === null ? '' : `such as ${rowText(row)}`}`.trimEnd());
};
export const quarantineScreen = (groups: readonly QuarantineGroup[], nowMs: number): string[] => (groups.length === 0 ? [' nothing in quarantine']
  : table(['pipeline', 'run', 'reason', 'rows', 'brought back', 'such as', 'set aside'], groups.map(({ pipeline, runId, reason, rows, replayed, row, at }) => [pipeline, runId, reason, grouped(rows), grouped(replayed), rowText(row), agoText(at, nowMs)])));
export const quarantinedScreen = (rows: readonly QuarantinedRow[]): string[] => (rows.length === 0 ? [' nothing in quarantine'] : rows.flatMap(({ id, row, reason, raw, replayedBy }) => [
  ` ${id}   ${printable(reason)}   ${rowText(row)}${replayedBy ? `   brought back by ${replayedBy}` : ''}`, ...wrap(raw.slice(0, 600), 90).slice(0, 4).map((line) => `     ${line}`)]));
