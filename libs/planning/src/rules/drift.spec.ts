import { describe, expect, it } from '@jest/globals';
import { Column, EtlError, type Pipeline, type Plan, type Profile, type PublishTask } from '@agent-etl/contracts';
import { diffPlans } from '../diff-plans.ts';
import { planCopy } from '../plan-copy.ts';
import { planHash } from '../plan-hash.ts';
import { planView } from '../plan-view.ts';
import { aCopyInput, aMissingTarget, aPipeline, aProfile, flightColumns } from '../testing.ts';
import { verifyPlan } from '../verify-plan.ts';

const more = (native = 'text', kind: Column['type']['kind'] = 'text', nullable = true): Column => Column.parse({ name: 'more', native, type: { kind }, nullable });
const wider = (columns: Column[]): Column[] => columns.map((column) => (column.name === 'delay_min' ? { ...column, native: 'bigint', type: { kind: 'i64' } } : column));
/** A target takes NULL wherever no key stands. */
const loose = (): Column[] => flightColumns().map((column) => ({ ...column, nullable: column.name !== 'flight_id' }));
const target = (over: Partial<Profile> = {}): Profile => aMissingTarget({ exists: true, columns: loose(), rows: 500, rowsExact: true, bytes: 8192, pages: 1, primaryKey: ['flight_id'], ...over });
const pipeline = (onDrift?: Pipeline['onDrift']): Pipeline => aPipeline({ to: { connection: 'warehouse', dataset: 'mart.flights', load: 'upsert', key: ['flight_id'] }, ...(onDrift === undefined ? {} : { onDrift }) });
interface Case { now: Column[]; onDrift?: Pipeline['onDrift']; into?: Partial<Profile>; before?: Profile | null }
function planned({ now, onDrift, into = {}, before = aProfile() }: Case): Plan {
  const answer = planCopy(aCopyInput({ pipeline: pipeline(onDrift), source: aProfile({ columns: now }), target: target(into), before, earlierRuns: 1 }));
  if ('questions' in answer) throw new Error('asks');
  return answer.plan;
}
const drift = (plan: Plan): string[] => plan.decisions.filter(({ question }) => question === 'drift').map(({ choice, reason }) => `${reason.code}: ${choice}`);
const evolve = (plan: Plan): PublishTask['evolve'] => (plan.tasks[1] as PublishTask).evolve;
const refusal = (of: Case): EtlError => { try { planned(of); } catch (error) { if (error instanceof EtlError) return error; } throw new Error('not refused'); };

describe('a source that has changed since the last green run', () => {
  it('gets nothing said where it is as it was', () => { expect([drift(planned({ now: flightColumns() })), evolve(planned({ now: flightColumns() }))]).toEqual([[], undefined]); });
  it('stops at a column that the target lacks, with the statement that adds it', () => {
    const error = refusal({ now: [...flightColumns(), more()] });
    expect([error.code, error.issues.map(({ code }) => code)]).toEqual(['plan.refused', ['drift.added']]);
    expect(error.next).toContain('ALTER TABLE "mart"."flights" ADD COLUMN "more" text');
  });
  it('adds it where the pipeline says evolve, by itself: nothing that is there changes', () => {
    for (const onDrift of ['evolve', { evolve: ['add'] }] as const) {
      const plan = planned({ now: [...flightColumns(), more()], onDrift: onDrift as Pipeline['onDrift'] });
      expect([plan.risk, drift(plan), evolve(plan), verifyPlan(plan, {})]).toEqual(['R1', ['drift-added: add more text'], [{ change: 'add', column: 'more', native: 'text' }], { ok: true, issues: [] }]);
    }
    expect(refusal({ now: [...flightColumns(), more()], onDrift: { evolve: ['widen'] } }).code).toBe('plan.refused');
  });
  it('asks a person about a column that is never NULL, since rows that are there have no value for it', () => {
    const plan = planned({ now: [...flightColumns(), more('text', 'text', false)], onDrift: 'evolve' });
    expect([plan.risk, plan.risks.length, (plan.tasks[1] as PublishTask).columns.find(({ target: name }) => name === 'more')?.nullable]).toEqual(['R2', 1, true]);
  });
  it('widens only with a yes, and keeps what the target holds anyway', () => {
    const plan = planned({ now: wider(flightColumns()), onDrift: 'evolve' });
    expect([plan.risk, evolve(plan), plan.tasks[0]?.kind === 'load' && plan.tasks[0].carrier]).toEqual(['R2', [{ change: 'widen', column: 'delay_min', from: 'integer', native: 'bigint' }], 'frames']);
    expect(verifyPlan({ ...plan, risk: 'R1' }, {}).issues.map(({ code }) => code)).toContain('risk.class');
    const held = planned({ now: wider(flightColumns()), onDrift: 'evolve', into: { columns: wider(flightColumns()) } });
    expect([held.risk, evolve(held), drift(held)]).toEqual(['R1', undefined, ['drift-wider: keep delay_min as the target has it']]);
    const stopped = planned({ now: wider(flightColumns()) });
    expect([stopped.risk, evolve(stopped), stopped.risks]).toEqual(['R1', undefined, [expect.stringContaining('a value that does not fit stops the run')]]);
  });
  it.each([['gone', flightColumns().filter(({ name }) => name !== 'origin')]])('asks about a column that is %s, and never drops it', (is, now) => {
    const plan = planned({ now, onDrift: 'evolve' });
    expect([plan.risk, drift(plan), evolve(plan)]).toEqual(['R2', [`drift-${is}: without origin`], undefined]);
  });
  it('never renames', () => {
    const now = flightColumns().map((column) => (column.name === 'delay_min' ? { ...column, name: 'minutes_late' } : column));
    expect(refusal({ now, onDrift: 'evolve' }).next).toContain('RENAME COLUMN "delay_min" TO "minutes_late"');
  });
  it('is no drift before a run was green, nor outside of what the pipeline selects', () => {
    expect(refusal({ now: [...flightColumns(), more()], onDrift: 'evolve', before: null }).issues.map(({ code }) => code)).toEqual(['column-missing']);
    const selects = planCopy(aCopyInput({ pipeline: { ...pipeline('evolve'), from: { ...pipeline().from, select: ['flight_id', 'origin'] } }, source: aProfile({ columns: [...flightColumns(), more()] }), target: target(), before: aProfile(), earlierRuns: 1 }));
    expect('plan' in selects && [drift(selects.plan), evolve(selects.plan)]).toEqual([[], undefined]);
  });
  it('needs the owner, and says so before a row has moved', () => {
    expect(refusal({ now: [...flightColumns(), more()], onDrift: 'evolve', into: { lacks: { ALTER: 'ALTER TABLE mart.flights OWNER TO "etl"' } } })).toMatchObject({ code: 'connection.permission-denied', next: 'ALTER TABLE mart.flights OWNER TO "etl"' });
  });
  it('goes on from its position, under the scope that it had', () => {
    const open = { connection: 'warehouse', dataset: 'mart.flights' };
    const scope = ((plan) => ('plan' in plan && plan.plan.tasks[0]?.kind === 'load' ? plan.plan.tasks[0].cursor!.scope : ''))(planCopy(aCopyInput()));
    const answer = planCopy(aCopyInput({ pipeline: { ...aPipeline(), to: open as Pipeline['to'], onDrift: 'evolve' }, source: aProfile({ columns: [...flightColumns(), more()] }), before: aProfile(), earlierRuns: 1,
      target: target({ positions: [{ pipeline: aPipeline().name, scope, value: '2024-01-01' } as NonNullable<Profile['positions']>[number]] }) }));
    const load = 'plan' in answer ? answer.plan.tasks[0] : undefined;
    expect(load?.kind === 'load' && load.cursor).toMatchObject({ read: 'since', formerScope: scope });
    expect('plan' in answer && verifyPlan(answer.plan, {})).toEqual({ ok: true, issues: [] });
  });
  it('lets no plan change a target that its pipeline did not let change', () => {
    const plan = planned({ now: [...flightColumns(), more()], onDrift: 'evolve' });
    expect(verifyPlan({ ...plan, pipeline: pipeline() }, {}).issues.map(({ code }) => code)).toContain('evolve.unasked');
    expect(verifyPlan({ ...plan, profiles: { ...plan.profiles, target: target({ columns: [...flightColumns(), more()] }) } }, {}).issues.map(({ code }) => code)).toContain('evolve.other');
  });
  it('shows as a diff of two plans, what alters first', () => {
    const view = (plan: Plan) => planView(plan, { planId: planHash(plan), requestId: null, status: 'proposed', verdict: { ok: true, issues: [] }, questions: [], createdAt: '2026-01-01T00:00:00.000Z' });
    const [before, after] = [view(planned({ now: flightColumns() })), view(planned({ now: wider([...flightColumns(), more()]), onDrift: 'evolve' }))];
    const { changes, risk } = diffPlans(before, after);
    expect([risk, changes.map(({ does, about }) => `${does} ${about}`)]).toEqual([{ before: 'R1', after: 'R2' }, expect.arrayContaining(['alters target delay_min', 'adds target more', 'adds source more'])]);
    expect(changes.findIndex(({ does }) => does === 'adds')).toBeGreaterThan(changes.findLastIndex(({ does }) => does === 'alters'));
    expect(diffPlans(before, before).changes).toEqual([]);
  });
});
