import { type Cursor, EtlError, type Judging, type LoadTask, type Measuring, type Plan, type PublishTask, type Question, type TargetChange, DatasetRef } from '@agent-etl/contracts';
import type { CopyInput } from './decide.ts';
import { ruleChunks } from './rules/chunks.ts';
import { comparesRows, ruleChecks } from './rules/checks.ts';
import { ruleColumns } from './rules/columns.ts';
import { costOf } from './rules/cost.ts';
import { type Cursoring, ruleCursor } from './rules/cursor.ts';
import { ruleKey } from './rules/key.ts';
import { ruleLoad } from './rules/load.ts';
import { ruleMovement } from './rules/movement.ts';
import { rulePartitions } from './rules/partitions.ts';
import { rulePersonalData } from './rules/personal-data.ts';
import { ruleProof } from './rules/proof.ts';
import { ruleDrift } from './rules/drift.ts';
import { ruleDriver } from './rules/schedule.ts';
import { ruleSteps } from './rules/steps.ts';
import { ruleQuality } from './rules/quality.ts';
import { ruleStrategy } from './rules/strategy.ts';
import { assertSupported } from './unsupported.ts';

export type Planned = { readonly plan: Plan } | { readonly questions: Question[] };

/** Plans a copy by rules alone: a load and a publish, every choice a Decision with its reason and what lost against it.
 * Equal input gives an equal plan. What cannot be decided safely comes back as questions.
 * @throws EtlError `request.unsupported`, `source.not-found`, `plan.type-unsupported`, `profile.unusable`, `plan.refused`, `request.invalid` */
export function planCopy(asked: CopyInput): Planned {
  assertSupported(asked.pipeline);
  const drift = ruleDrift(asked);
  const steps = ruleSteps(asked);
  const input: CopyInput = { ...asked, target: { ...asked.target, columns: [...drift.value.target] } };
  const columns = ruleColumns(input);
  const key = ruleKey(input, columns.value);
  const judged = ruleChecks(input, columns.value);
  const quality = ruleQuality(input, columns.value);
  const isWhole = comparesRows(judged.value);
  const cursoring = isWhole ? readWhole(input) : ruleCursor(input, { key: key.value, columns: columns.value, added: drift.value.added });
  const partitions = rulePartitions(input, columns.value);
  const load = ruleLoad(input, { key: key.value, columns: columns.value, since: cursoring.since });
  if ('questions' in load) return load;
  const movement = ruleMovement(input, columns.value, judged.value);
  const chunks = ruleChunks(input, cursoring, isWhole ? 'in-one-piece' : 'as-it-lies');
  const proof = ruleProof(input, { digest: movement.value.digest, since: cursoring.since, key: key.value.columns, columns: columns.value });
  const strategy = ruleStrategy(input, { ...cursoring, key: key.value });
  const personal = rulePersonalData(input, columns.value);
  const rules = [movement, columns, personal, drift, key, chunks, load.rule, partitions, proof, strategy, judged, quality];
  const { how, load: mode, key: mergeKey, vanished } = load.rule.value;
  const risk = drift.value.risk === 'R2' ? 'R2' : load.rule.value.risk;
  const tasks = tasksOf(input, {
    columns: columns.value, partitionBy: partitions.value, judging: judged.value, measuring: quality.value, ...movement.value, chunks: chunks.value, how, ...proof.value, evolve: drift.value.evolve, cursor: load.rule.value.fills === 'once-more' ? null : cursoring.cursor, key: mergeKey ?? (how === 'rename' ? key.value.columns : null),
    keyFromSource: (how === 'rename' || (mergesByKey(how) && !input.target.exists)) && key.value.columns !== null && (key.value.from === 'source' || mergeKey !== undefined), vanished,
  });
  return { plan: {
    schemaVersion: 1, pipeline: input.pipeline, tasks, edges: [['load', 'publish']], schedule: input.pipeline.schedule ?? null, driver: input.pipeline.runOn ?? 'workers',
    target: { connection: input.pipeline.to.connection, dataset: input.pipeline.to.dataset, load: mode, ...(mergeKey ? { key: mergeKey } : {}) },
    decisions: [...steps, ...rules.flatMap(({ decisions }) => decisions), ...ruleDriver(input)],
    risk, risks: rules.flatMap(({ risks }) => risks), cost: costOf(input.source, movement.value.digest, cursoring), profiles: { source: asked.source, target: asked.target },
  } };
}

/** Rows that are compared with each other are read together. @throws EtlError `request.unsupported` when the request names a cursor beside that */
function readWhole({ pipeline: { from } }: CopyInput): Cursoring {
  if (from.cursor !== undefined) throw new EtlError('request.unsupported', { found: 'from.cursor beside a check unique', allowed: 'one of them: what is read in parts is not compared as a whole' });
  return { cursor: null, since: null };
}

type Parts = Pick<LoadTask, 'columns' | 'carrier' | 'engine' | 'digest' | 'chunks'> & Pick<PublishTask, 'how' | 'level' | 'sample' | 'key' | 'keyFromSource'> & { readonly cursor: Cursor | null; readonly partitionBy: string[] | null; readonly judging: Judging | null; readonly measuring: Measuring | null; readonly evolve: readonly TargetChange[]; readonly vanished: PublishTask['vanished'] };
const mergesByKey = (how: PublishTask['how']): boolean => how === 'upsert' || how === 'merge' || how === 'scd2';

function tasksOf({ pipeline, source, transform }: CopyInput, { columns, engine, digest, carrier, chunks, how, level, sample, evolve, key, keyFromSource, cursor, partitionBy, judging, measuring, vanished }: Parts): [LoadTask, PublishTask] {
  const ends = { source: DatasetRef.parse({ connection: pipeline.from.connection, dataset: pipeline.from.dataset }), target: DatasetRef.parse({ connection: pipeline.to.connection, dataset: pipeline.to.dataset }) };
  const read = cursor ? { cursor } : {};
  const sampled = { ...(sample ? { sample } : {}), ...(partitionBy ? { partitionBy } : {}) };
  const unread = source.columns.map(({ name }) => name).filter((name) => !columns.some((column) => column.source === name));
  const expected = cursor?.read === 'since' ? {} : { expectedRows: source.rows };
  return [
    { id: 'load', kind: 'load', engine, ...ends, columns, carrier, chunks, sourceFingerprint: source.fingerprint, options: source.options, ...expected, ...(unread.length && !transform ? { unread } : {}), digest, ...(level === 'full' ? {} : { level }), ...sampled, ...read, ...(transform ? { transform } : {}), ...(judging ? { judging } : {}), ...(measuring ? { measuring } : {}) },
    { id: 'publish', kind: 'publish', engine, load: 'load', ...ends, columns, how, key, keyFromSource, level, digest, ...sampled, ...(evolve.length ? { evolve: [...evolve] } : {}), ...read, ...(vanished ? { vanished } : {}), ...(pipeline.replays ? { replays: pipeline.replays } : {}) },
  ];
}
