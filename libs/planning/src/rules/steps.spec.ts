import { describe, expect, it } from '@jest/globals';
import type { Profile } from '@agent-etl/contracts';
import { fusedOf } from '../lowered-steps.ts';
import { planCopy } from '../plan-copy.ts';
import { planView } from '../plan-view.ts';
import { aCopyInput, aMissingTarget, aPipeline, aProfile } from '../testing.ts';
import { besideOf, handsOffOf } from '../step-engine.ts';
import { transformed } from '../transformed.ts';
import { verifyPlan } from '../verify-plan.ts';

const column = (name: string, kind: 'text' | 'i32', native: string) => ({ name, native, nullable: true, type: { kind } });
const airports = (more: Partial<Profile> = {}): Profile => aProfile({ connection: 'files' as never, dataset: 'airports.csv', connector: 'file', columns: [column('iata', 'text', 'VARCHAR'), column('name', 'text', 'VARCHAR'), column('lat', 'i32', 'INTEGER')], primaryKey: null, indexes: [], pages: null, rows: 3376, fingerprint: 'c'.repeat(64), ...more });
const join = (right: string) => [{ aggregate: { by: ['origin'], measures: [{ as: 'flights', fn: 'count' as const }] } }, { join: { right, kind: 'left' as const, on: { origin: 'iata' }, take: { airport: 'name' } } }];

async function planned(other: Profile, right: string, target = aMissingTarget()) {
  const steps = join(right);
  const source = aProfile();
  const typesOf = ({ columns }: Profile) => new Map(columns.map(({ name, type }) => [name, type]));
  const fused = await fusedOf(steps, { input: typesOf(source), inputs: [typesOf(other)], dialect: besideOf(source), handsOff: handsOffOf(source, [other]), read: () => { throw new Error('no texts here'); }, readQuery: () => { throw new Error('no queries here'); } });
  if (!fused.ok) throw new Error(JSON.stringify(fused.issues));
  const mapColumn = aCopyInput().mapColumn;
  const made = planCopy(aCopyInput({ pipeline: aPipeline({ steps }), target, ...transformed(source, fused.value, { others: [other], mapColumn }) }));
  if (!('plan' in made)) throw new Error('questions');
  return made.plan;
}
const load = ({ tasks }: Awaited<ReturnType<typeof planned>>) => { const found = tasks[0]; if (found?.kind !== 'load') throw new Error('no load'); return found; };

describe('a plan that joins', () => {
  it('reads tables of one connection in one statement', async () => {
    const plan = await planned(airports({ connection: 'ops' as never, dataset: 'public.airports', connector: 'postgres' }), 'ops.public.airports');
    expect(verifyPlan(plan, {})).toEqual({ ok: true, issues: [] });
    expect(load(plan)).toMatchObject({ carrier: 'frames', chunks: { by: 'whole' }, transform: { inputs: [{ source: { dataset: 'public.airports' }, columns: [{ name: 'iata' }, { name: 'name' }], unread: ['lat'], fingerprint: 'c'.repeat(64) }] } });
    expect(load(plan).transform?.handOff).toBeUndefined();
    expect(plan.decisions.find(({ question }) => question === 'steps')).toMatchObject({ choice: 'aggregate, join, while the source is read', reason: { code: 'joined-at-the-source' } });
    expect(planView(plan, { planId: 'x' as never, requestId: null, status: 'proposed', verdict: { ok: true, issues: [] }, questions: [], createdAt: '2026-01-01T00:00:00Z' }).tasks[0]?.reads).toEqual(['ops.public.flights', 'ops.public.airports']);
  });
  it('groups where the source is, and hands the groups over, where no one system reaches both', async () => {
    const plan = await planned(airports(), 'files:airports.csv');
    expect(verifyPlan(plan, {})).toEqual({ ok: true, issues: [] });
    expect(load(plan)).toMatchObject({ carrier: 'text', engine: 'duckdb', digest: 'text-md5', transform: { handOff: { after: 2, columns: [{ name: 'origin', native: 'text' }, { name: 'flights', native: 'bigint' }] } } });
    expect(plan.decisions.find(({ question }) => question === 'steps')).toMatchObject({ choice: 'aggregate where the source is read, join in DuckDB', reason: { code: 'handed-over' } });
  });
  it('is refused when somebody changed what it joins, or where', async () => {
    const plan = await planned(airports(), 'files:airports.csv');
    const codes = (change: (transform: NonNullable<ReturnType<typeof load>['transform']>) => object): string[] => { const [first, ...rest] = plan.tasks; return verifyPlan({ ...plan, tasks: [{ ...load(plan), ...first, transform: { ...load(plan).transform!, ...change(load(plan).transform!) } } as never, ...rest] }, {}).issues.map(({ code }) => code); };
    const moved = (source: object) => ({ inputs: [{ ...load(plan).transform!.inputs![0]!, source }] });
    expect(codes(() => moved({ connection: 'files', dataset: 'other.csv' }))).toEqual(['steps.inputs']);
    expect(codes(() => moved({ connection: 'warehouse', dataset: 'mart.flights' }))).toEqual(['target.is-joined', 'steps.inputs']);
    expect(codes(() => ({ handOff: undefined }))).toEqual(['steps.reach']);
  });
});
