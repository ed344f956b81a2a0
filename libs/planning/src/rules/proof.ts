import { BUCKETS, type ColumnMapping, type LoadTask, type ProfileResult, type PublishTask, type Sample } from '@agent-etl/contracts';
import { type CopyInput, type Ruled, decide, grouped, named, plural } from '../decide.ts';
import { standInKey } from './sample-key.ts';

export type Proof = Pick<PublishTask, 'level'> & { readonly sample?: Sample };
const fullUpTo = { 'pg-frame': 10_000_000, 'text-md5': 1_000_000 } as const;
/** One row in sixteen: of 10,000 changed keys about 625 are in it, of one changed key its bucket in one run of sixteen. */
const SAMPLED_BUCKETS = BUCKETS / 16;
/** Connectors that can hash the rows of some buckets alone. */
const samples: readonly ProfileResult['source']['connector'][] = ['postgres', 'mysql', 'sqlite', 'file'];
const share = `${SAMPLED_BUCKETS} of ${grouped(BUCKETS)} buckets`;

/** @property columns those that travel */
interface Seen { readonly digest: LoadTask['digest']; readonly since: string | null; readonly key: readonly string[] | null; readonly columns: readonly ColumnMapping[] }

/** What is compared before anything becomes visible: what the pipeline says, else in full what is small or new, and a sample of the rest. Counts always are. */
export function ruleProof(input: CopyInput, seen: Seen): Ruled<Proof> {
  const { pipeline: { reconcile } } = input;
  const value = (level: Proof['level']): Proof => (level === 'sampled' ? { level, sample: sampleOf(input, seen) } : { level });
  const decision = reconcile === undefined ? chosen(input, seen) : asked(input, seen, reconcile);
  return { value: value(decision.level), risks: decision.risks, decisions: [decision.decision, gates] };
}
type Chosen = { readonly level: Proof['level']; readonly decision: ReturnType<typeof decide>; readonly risks: readonly string[] };

type Ends = Pick<CopyInput, 'source' | 'target' | 'transform'>;
/** Two PostgreSQL ends have a hash that costs a third of md5, and no other engine makes it. */
const bothPostgres = ({ source, target }: Ends): boolean => source.connector === 'postgres' && target.connector === 'postgres';
function keyOf(input: Ends, { key, columns }: Seen): string[] | null {
  if (key !== null) return [...key];
  const standIn = standInKey(input, columns);
  return standIn === null ? null : [standIn];
}
const sampleOf = (input: Ends, seen: Seen): Sample => ({ buckets: SAMPLED_BUCKETS, key: keyOf(input, seen), ...(bothPostgres(input) ? {} : { by: 'md5' as const }) });
/** Rows that steps make elsewhere are gone when they would be sampled: nobody makes them twice. */
const isMadeElsewhere = ({ transform }: Ends): boolean => transform?.handOff !== undefined || transform?.engine === 'spark';
/** Whether both ends can take the sample, or, of a plan that has one, this sample. */
export const canSample = (ends: Ends, sample?: Sample): boolean =>
  samples.includes(ends.source.connector) && samples.includes(ends.target.connector) && !isMadeElsewhere(ends) && (sample === undefined || (sample.by === undefined) === bothPostgres(ends));
const by = (input: Ends, seen: Seen): string => {
  const key = keyOf(input, seen);
  return key === null ? 'by the hash of the whole row, since no key names one' : `by the hash of ${named(key)}${seen.key === null ? ', since no key names a row' : ''}`;
};
const costs = { counts: 'Equal counts do not show a changed value.', sampled: `A difference outside ${share} would not be seen.` } as const;

function chosen(input: CopyInput, seen: Seen): Chosen {
  const { digest, since } = seen;
  const { source, earlierRuns = 0 } = input;
  if (since !== null) {
    return { level: 'full', risks: [], decision: decide('proof', 'full, of what is read', { why: ['full-slice', 'Count and digest of every row that is read, then each of them compared with the target, byte for byte; the rows before stand on the receipts of earlier runs.'],
      rejected: [['counts', costs.counts], ['the whole target', `Comparing ${grouped(source.rows)} rows would cost more than reading them.`]] }) };
  }
  const limit = fullUpTo[digest];
  const rows = grouped(source.rows);
  if (source.rows <= limit) return { level: 'full', risks: [], decision: decide('proof', 'full', { why: ['full-small', `${rows} rows are under ${grouped(limit)}: count and digest of every row on both sides.`], rejected: [['counts', costs.counts]] }) };
  if (earlierRuns === 0) return { level: 'full', risks: [], decision: decide('proof', 'full', { why: ['full-first-run', `${rows} rows are over ${grouped(limit)}, but the first run of a pipeline is always proved in full.`], rejected: [['sampled', costs.sampled]] }) };
  const proved = `${rows} rows are over ${grouped(limit)}, and ${plural(earlierRuns, 'earlier run')} proved this pipeline in full`;
  if (canSample(input) && keyOf(input, seen) === null) {
    return { level: 'full', risks: [], decision: decide('proof', 'full', { why: ['full-no-key', `${proved}, but no key names a row, and no short column is known to have values enough: to choose rows by the hash of the whole row costs as much as to compare them all.`], rejected: [['counts', costs.counts]] }) };
  }
  if (canSample(input)) {
    return { level: 'sampled', risks: [], decision: decide('proof', `sampled, ${share}`, { why: ['sampled-large', `${proved}: the count of all rows, and every value of those in ${share}, ${by(input, seen)}; each run takes others, and its receipt names the seed and what was not compared.`],
      rejected: [['full', `Hashing ${rows} rows again costs more than the copy.`], ['counts', costs.counts]] }) };
  }
  return { level: 'counts', risks: [], decision: decide('proof', 'counts', { why: ['counts-large', `${proved}; ${canNot(input)}.`], rejected: [['full', `Hashing ${rows} rows again costs more than the copy.`], ['sampled', `${canNot(input)}.`]] }) };
}
const canNot = (input: CopyInput): string => (isMadeElsewhere(input) ? `a sample is read once more, and nobody makes rows once more that ${input.transform?.engine === 'spark' ? 'Spark' : 'DuckDB'} has joined or grouped`
  : `a sample needs two ends that can take it, and ${input.source.connector} or ${input.target.connector} cannot`);

/** A person chose; what cannot be done is done as the next stronger level. */
function asked(input: CopyInput, seen: Seen, reconcile: Proof['level']): Chosen {
  const { since } = seen;
  const rows = grouped(input.source.rows);
  const level = reconcile === 'sampled' && !canSample(input) ? 'full' : reconcile;
  const what = since === null ? '' : ', of what is read';
  const why: Record<Proof['level'], readonly [string, string]> = {
    full: reconcile === 'full' ? ['asked', `The pipeline says full: count and digest of every row${what} on both sides.`] : ['sampled-not-here', `The pipeline says sampled, and ${canNot(input)}: every row is compared.`],
    sampled: ['asked', `The pipeline says sampled: the count of all rows${what}, and every value of those in ${share}, ${by(input, seen)}.`], counts: ['asked', `The pipeline says counts: no value is compared${what}.`] };
  const lost = level === 'full' ? ['counts', costs.counts] as const : ['full', `It would hash all ${rows} rows on both sides.`] as const;
  return { level, decision: decide('proof', `${level === 'sampled' ? `sampled, ${share}` : level}${what}`, { by: 'person', why: why[level], rejected: [lost] }), risks: level === 'counts' ? ['No value is compared: a changed one would not be seen.'] : [] };
}
const gates = decide('gates', 'reconcile before publish', { why: ['reconcile-always', 'read = filtered + rejected + written, and source = target, or nothing becomes visible.'],
  rejected: [['publish, then check', 'Readers would see rows that nobody has proved.']] });
