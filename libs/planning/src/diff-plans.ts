import { type Column, ColumnMapping, type PlanView, PublishTask } from '@agent-etl/contracts';
import { driftBetween, driftText } from './drift/drift-between.ts';

/** destroys: rows or values may go · alters: what is there becomes another · adds: nothing that is there changes. */
export interface PlanChange { readonly does: 'destroys' | 'alters' | 'adds'; readonly about: string; readonly text: string }
/** @property changes the destructive ones first */
export interface PlanDiff { readonly before: string; readonly after: string; readonly pipeline: string; readonly risk: { readonly before: string; readonly after: string }; readonly changes: readonly PlanChange[] }

const order = { destroys: 0, alters: 1, adds: 2 } as const;
const taskOf = (plan: PlanView, kind: string): Readonly<Record<string, unknown>> | undefined => plan.tasks.find((task) => task.kind === kind);
function mappings(plan: PlanView): ColumnMapping[] {
  const columns = ColumnMapping.array().safeParse(taskOf(plan, 'load')?.['columns']);
  return columns.success ? columns.data : [];
}
const atSource = (plan: PlanView): Column[] => mappings(plan).map(({ source, type, sourceNative, nullable, sourceNullable = nullable }) => ({ name: source, type, native: sourceNative, nullable: sourceNullable }));

/** What a plan does otherwise than another one: columns of the source, what becomes of the target, how it is written, and each choice that is another. Two equal plans differ in nothing. */
export function diffPlans(before: PlanView, after: PlanView): PlanDiff {
  const changes = [...sourceChanges(before, after), ...targetChanges(after), ...writing(before, after), ...choices(before, after)];
  return { before: before.planId, after: after.planId, pipeline: after.pipeline, risk: { before: before.risk, after: after.risk }, changes: [...changes].sort((a, b) => order[a.does] - order[b.does]) };
}
function sourceChanges(before: PlanView, after: PlanView): PlanChange[] {
  return driftBetween(atSource(before), atSource(after)).map((drift) => ({
    does: drift.is === 'added' || drift.is === 'required' ? 'adds' : 'alters', about: `source ${(drift.now ?? drift.was)!.name}`, text: driftText(drift) }));
}
function targetChanges(after: PlanView): PlanChange[] {
  const evolve = PublishTask.shape.evolve.safeParse(taskOf(after, 'publish')?.['evolve']);
  return (evolve.success ? evolve.data ?? [] : []).map((change): PlanChange => (change.change === 'add'
    ? { does: 'adds', about: `target ${change.column}`, text: `ADD COLUMN ${change.column} ${change.native}: NULL in all rows that are there` }
    : { does: 'alters', about: `target ${change.column}`, text: `ALTER COLUMN ${change.column} from ${change.from} to ${change.native}` }));
}
function writing(before: PlanView, after: PlanView): PlanChange[] {
  const [how, into] = [(plan: PlanView) => String(taskOf(plan, 'publish')?.['how'] ?? 'nothing'), (plan: PlanView) => `${plan.target.connection}.${plan.target.dataset}`];
  const overwrites = ['swap', 'truncate-insert'].includes(how(after)) && how(after) !== how(before);
  const pairs: readonly (readonly [string, string, string])[] = [
    ['target', into(before), into(after)], ['load', before.target.load, after.target.load], ['publish', how(before), how(after)], ['key', (before.target.key ?? []).join(', ') || 'none', (after.target.key ?? []).join(', ') || 'none'],
    ['schedule', JSON.stringify(before.schedule), JSON.stringify(after.schedule)]];
  return pairs.filter(([, was, is]) => was !== is).map(([about, was, is]) => ({ does: overwrites && (about === 'publish' || about === 'load') ? 'destroys' : 'alters', about, text: `${was} -> ${is}` }));
}
const told: readonly string[] = ['load', 'publish', 'key', 'schedule', 'drift'];
/** Choices beside those that are told above. */
function choices(before: PlanView, after: PlanView): PlanChange[] {
  return after.decisions.filter(({ question }) => !told.includes(question)).flatMap(({ question, choice }): PlanChange[] => {
    const was = before.decisions.filter((decision) => decision.question === question).map((decision) => decision.choice);
    return was.includes(choice) ? [] : [{ does: 'alters', about: question, text: was.length ? `${was.join('; ')} -> ${choice}` : choice }];
  });
}
