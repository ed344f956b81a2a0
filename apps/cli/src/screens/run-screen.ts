import { type PublishResult, type Quality, type QualityScore, type Receipt, type RunView, takenDigests } from '@agent-etl/contracts';
import { type Paint, printable } from './ansi.ts';
import { bar } from './progress-screen.ts';
import { asideLines } from './quarantine-screens.ts';
import { betweenMs, compact, durationText, grouped } from './numbers.ts';

const aligned = (text: string, seconds: string): string => `${text.padEnd(88)}${seconds.padStart(8)}`.trimEnd();

/** A receipt in one sum: what was read is what was left out, set aside and written. */
export const receiptSum = ({ read, filtered, rejected, written, grouped: into, joined }: Pick<Receipt, 'read' | 'filtered' | 'rejected' | 'written' | 'grouped' | 'joined'>): string =>
  `read ${grouped(read)} = filtered ${grouped(filtered)} + rejected ${grouped(rejected)} + ${into === undefined && joined === undefined ? `written ${grouped(written)}` : `${into === undefined ? 'joined' : 'grouped'} ${grouped(into ?? joined ?? 0)} -> written ${grouped(written)}`}`;
/** What each join and union did with the rows before it, a line each. */
export const combinedLines = (combined: Receipt['combined'] = []): string[] => combined.map(({ with: others, kind, left, right, out, matched, unmatched, rightUnmatched, most }) => {
  const found = matched === undefined ? '' : `: ${grouped(matched)} matched${most !== undefined && most > 1 ? `, up to ${grouped(most)} times` : ''}, ${grouped(unmatched ?? 0)} found nothing, ${grouped(rightUnmatched ?? 0)} there unused`;
  return ` ${kind.padEnd(7)} ${grouped(left)} with ${grouped(right)} of ${others} -> ${grouped(out)}${found}`;
});

/** What each query over other datasets did, a line each. */
export const queriedLines = (queried: Receipt['queried'] = []): string[] => queried.map(({ with: others, left, right, out }) => ` query   ${grouped(left)} with ${grouped(right)} of ${others} -> ${grouped(out)}`);

const loadOf = (run: RunView) => run.tasks.flatMap((task) => (task.result?.kind === 'load' ? [{ task, result: task.result }] : []))[0];
const publishOf = (run: RunView) => run.tasks.flatMap((task) => (task.result?.kind === 'publish' ? [{ task, result: task.result }] : []))[0];

/** What a comparison of both ends found, when they are equal. */
function reconcileScreen(run: RunView, paint: Paint): string[] | null {
  const result = run.tasks.flatMap(({ result: found }) => (found?.kind === 'reconcile' ? [found] : []))[0];
  if (!result) return null;
  const { kept } = result;
  const proof = kept === undefined ? 'source = target   count and digest of all' : 'source is in target   row by row, all';
  const end = kept === undefined ? 'both ends are equal' : `every row of the source is in the target, and ${grouped(kept)} that vanished are kept, since the pipeline deletes nothing`;
  return [aligned(` proof   ${proof} ${grouped(result.sourceDigest.rows)} rows`, durationText(result.proofMs)), '', ` ${paint('green', 'green')} ${run.pipeline}: ${end}`];
}
type Sampled = NonNullable<Receipt['sampled']>;
const sampledText = ({ buckets, of, rows }: Sampled): string => `digest of ${grouped(rows)} in ${grouped(buckets)} of ${grouped(of)} buckets`;
/** What nobody compared is said as plainly as what was. */
const notCoveredText = ({ notCovered, seed }: Sampled): string => ` sample  ${grouped(notCovered)} rows not covered: only counted; seed ${seed}`;

/** What became of rows that were merged by a key. */
function mergedLines({ inserted, updated, deleted, unchanged, asOf }: PublishResult): string[] {
  if (inserted === null) return [];
  const rest = deleted === undefined ? '' : `, ${grouped(deleted)} ${asOf === undefined ? 'deleted' : 'ended'}, ${grouped(unchanged ?? 0)} as they were`;
  const title = asOf !== undefined ? 'history' : deleted !== undefined ? 'merge  ' : 'upsert ';
  return [` ${title} ${grouped(inserted)} new, ${grouped(updated ?? 0)} changed${rest}${asOf === undefined ? '' : `; as of ${asOf}`}`];
}
/** Cut, not rounded: what is not perfect is not told as 1. */
const shareText = (share: number): string => (Math.floor(share * 1e4 + 1e-6) / 1e4).toFixed(4);
const partText = (name: string, part: number | null): string => `${name} ${part === null ? 'not measured' : shareText(part)}`;
/** A score is never told without what it is made of. */
const scoreText = ({ score, completeness, validity, consistency }: QualityScore): string =>
  `${shareText(score)} = 0.4 ${partText('completeness', completeness)} + 0.3 ${partText('validity', validity)} + 0.3 ${partText('consistency', consistency)}`;
function qualityLines({ rows, nulls, checks, ...score }: Quality): string[] {
  const worst = [...nulls].sort((a, b) => b.nulls - a.nulls).slice(0, 3).map(({ column, nulls: count }) => `${printable(column)} ${grouped(count)}`);
  const broken = checks.filter(({ rows: count }) => count > 0).map(({ check, severity, rows: count }) => `         ${severity.padEnd(5)}  ${printable(check)}  ${grouped(count)} of ${grouped(rows)} rows`);
  return [` quality ${scoreText(score)}`, ...(worst.length ? [`         NULL   ${worst.join(', ')}${nulls.length > 3 ? ` and ${nulls.length - 3} columns more` : ''}`] : []), ...broken];
}
/** What a finished run did: copy, proof and receipt, a line each. */
export function runScreen(run: RunView, paint: Paint): string[] {
  const compared = reconcileScreen(run, paint);
  if (compared) return compared;
  const lines: string[] = [];
  const load = loadOf(run);
  const publish = publishOf(run);
  if (load) {
    const ms = betweenMs(load.task.startedAt, load.task.finishedAt);
    const speed = ms > 0 ? `${compact(load.result.written / (ms / 1000))}/s` : '';
    const resumed = load.result.resumed ? `  ${load.result.resumed} of ${load.result.chunks} chunks from an earlier attempt` : '';
    lines.push(aligned(` copy    ${bar(1)} 100 %  ${grouped(load.result.written)} rows  ${speed}${resumed}`, durationText(ms)));
  }
  if (load?.result.aside) lines.push(...asideLines(load.result.aside));
  if (load?.result.quality) lines.push(...qualityLines(load.result.quality));
  if (publish) {
    const isPart = typeof load?.result.span?.from === 'string';
    const level = publish.result.level === 'counts' ? 'row counts' : publish.result.sampled ? `count of all rows, ${sampledText(publish.result.sampled)}` : isPart ? 'count and digest of what was read, then row by row' : 'count and digest of all rows';
    lines.push(aligned(` proof   source = target   ${level}`, durationText(publish.result.proofMs)));
    if (load?.result.digestMs) lines.push(aligned('         the source was hashed beside the copy', durationText(load.result.digestMs)));
    if (publish.result.sampled) lines.push(notCoveredText(publish.result.sampled));
    lines.push(...mergedLines(publish.result));
  }
  if (run.receipt) lines.push(...combinedLines(run.receipt.combined), ...queriedLines(run.receipt.queried));
  if (run.receipt) lines.push(` receipt ${receiptSum(run.receipt)}   signed, ${run.runId}`);
  if (load?.result.aside && run.state === 'succeeded') lines.push(`    next    look at what was set aside: agent-etl quarantine show ${run.runId}`);
  const seconds = durationText(betweenMs(run.startedAt, run.finishedAt));
  if (run.state === 'succeeded') lines.push('', ` ${paint('green', 'green')} in ${seconds}: reconciled ${run.receipt?.reconciled ?? false}, ${grouped(run.receipt?.published ?? 0)} rows published`);
  if (run.state === 'cancelled') lines.push('', ` ${paint('yellow', 'cancelled')} after ${seconds}; nothing was published by this run`, `    next    agent-etl ${nextOf(run)}`);
  return lines;
}
/** The command that asks for the same again. */
const nextOf = ({ kind, pipeline, runId }: RunView): string => (kind === 'reconcile' ? `reconcile ${pipeline}` : kind === 'sketch' ? 'profile DATASET --again' : `retry ${runId}`);

/** What a red run left behind, in a sentence. */
export function leftBehind(run: RunView): string {
  if (run.kind === 'reconcile') return 'nothing was written: both ends are as they were';
  if (run.kind === 'sketch') return 'nothing was written';
  const publish = publishOf(run);
  if (publish) return `${grouped(publish.result.published)} rows published`;
  const staged = run.tasks.reduce((sum, { kind, rows }) => sum + (kind === 'load' ? rows : 0), 0); // a publish counts the rows of its load again
  return `0 rows published, the target is as before${staged ? `; ${grouped(staged)} rows had been staged` : ''}`;
}
/** What the proof cost on either side; receipts of earlier releases do not say. */
const costLines = ({ proofMs, sourceProofMs = 0 }: Receipt): string[] =>
  (proofMs === undefined ? [] : [` cost    ${durationText(proofMs)} to read the target back${sourceProofMs ? `, ${durationText(sourceProofMs)} to hash the source beside the copy` : ''}`]);
const notTaken = 'digest not taken';
/** A receipt in full. */
export function receiptScreen(receipt: Receipt): string[] {
  const { source, target } = takenDigests(receipt);
  return [
    ` receipt ${receipt.runId}`, ` sum     ${receiptSum(receipt)}`, ...combinedLines(receipt.combined), ...queriedLines(receipt.queried), ` public  ${grouped(receipt.published)} rows in ${receipt.target.connection}.${receipt.target.dataset}`,
    ` source  ${receipt.source.connection}.${receipt.source.dataset}  ${source ?? notTaken}`, ` target  ${receipt.target.connection}.${receipt.target.dataset}  ${target ?? notTaken}`,
    ` proof   reconciled ${receipt.reconciled}, level ${receipt.level}, ${receipt.chunks} chunks, ${receipt.attempts} attempts`,
    ...(receipt.sampled ? [`         ${sampledText(receipt.sampled)}`, notCoveredText(receipt.sampled)] : []), ...costLines(receipt),
    ...(receipt.quality ? [` quality ${scoreText(receipt.quality)}`] : []), ` plan    ${receipt.planId}`, ` by      approved by ${receipt.approvedBy}; ${receipt.startedAt} to ${receipt.finishedAt}`, ` key     ${receipt.keyId}`,
  ];
}
