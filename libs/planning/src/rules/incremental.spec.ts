import { describe, expect, it } from '@jest/globals';
import { type Expr, type Query, type Step, type StepKind, EtlError, stepKinds } from '@agent-etl/contracts';
import { fusedOf } from '../lowered-steps.ts';
import { planCopy } from '../plan-copy.ts';
import { aCopyInput, aMissingTarget, aPipeline, aProfile, flightColumns } from '../testing.ts';
import { besideOf } from '../step-engine.ts';
import { transformed } from '../transformed.ts';

const profile = aProfile();
const text = flightColumns().find(({ type }) => type.kind === 'text')!.name;
const other = aProfile({ dataset: 'public.airports', columns: [{ name: 'iata', type: { kind: 'text' }, native: 'text', nullable: true }, { name: 'label', type: { kind: 'text' }, native: 'text', nullable: true }], primaryKey: null, indexes: [] });
const beside = `${profile.connection}:public.airports`;
/** A step of each kind; the compiler finds one that has none. */
const steps: Readonly<Record<StepKind, Step[]>> = {
  filter: [{ filter: 'some' }], derive: [{ derive: { more: 'value' } }], select: [{ select: ['flight_id', 'updated_at', text] }], drop: [{ drop: [text] }], rename: [{ rename: { [text]: 'renamed' } }], cast: [{ cast: { column: text, to: 'integer', onError: 'null' } }],
  aggregate: [{ aggregate: { by: [text], measures: [{ as: 'n', fn: 'count' }] } }], dedupe: [{ dedupe: { keys: [text], keep: [{ column: 'flight_id' }] } }], limit: [{ limit: { n: 5, by: [{ column: 'flight_id' }] } }], sort: [{ sort: [{ column: 'flight_id' }] }, { limit: { n: 5 } }],
  flatten: [{ flatten: { column: text, fields: [{ as: 'x' }] } }], json: [{ json: { column: text, fields: [{ as: 'x', path: ['a'] }] } }], mask: [{ mask: { column: text, method: 'sha256' } }], tokenize: [{ tokenize: { column: text, keyRef: 'secret://masking#key' } }],
  pivot: [{ pivot: { by: [text], key: text, values: [{ value: 'a' }], fn: 'count' } }], sample: [{ sample: { key: ['flight_id'], fraction: 0.5 } }], unpivot: [{ unpivot: { columns: [text], nameTo: 'nth', valueTo: 'v' } }],
  window: [{ window: { orderBy: [{ column: 'flight_id' }], columns: [{ as: 'nth', fn: 'row_number' }] } }], join: [{ join: { right: beside, kind: 'left', on: { [text]: 'iata' }, take: { label: 'label' } } }], lookup: [{ lookup: { dim: beside, on: { [text]: 'iata' }, take: { label: 'label' } } }],
  union: [{ union: { with: [beside] } }], query: [{ query: { sql: 'select flight_id, updated_at from input' } }],
};
const column = (name: string): Query['body'] extends infer B ? B extends { items: (infer I)[] } ? I : never : never => ({ k: 'value', as: null, value: { expr: { k: 'col', name: '$0' }, uses: [{ k: 'column', rel: null, name }] } }) as never;
const query: Query = { ctes: [], order: [], limit: null, offset: null, body: { k: 'select', distinct: false, distinctOn: [], items: [column('flight_id'), column('updated_at')], from: { k: 'table', name: ['input'], as: null, columns: [] }, where: null, group: null, having: null, qualify: null } };
const value: Expr = { k: 'lit', t: { kind: 'i64' }, v: '1' };

async function asked(some: Step[]): Promise<string> {
  const typesOf = ({ columns }: typeof profile) => new Map(columns.map(({ name, type }) => [name, type]));
  const fused = await fusedOf(some, { input: typesOf(profile), inputs: [typesOf(other)], dialect: besideOf(profile), read: (words) => Promise.resolve({ ok: true, value: words === 'some' ? { k: 'isNull', e: { k: 'col', name: text }, neg: true } : value }), readQuery: () => Promise.resolve({ ok: true, value: query }) });
  if (!fused.ok) throw new Error(JSON.stringify(fused.issues));
  const others = JSON.stringify(some).includes('airports') ? [other] : [];
  const pipeline = aPipeline({ steps: some, from: { ...aPipeline().from, cursor: 'updated_at' } });
  try {
    const made = planCopy(aCopyInput({ pipeline, target: aMissingTarget(), ...transformed(profile, fused.value, { others, mapColumn: aCopyInput().mapColumn }) }));
    return 'plan' in made && made.plan.tasks[0]?.kind === 'load' && made.plan.tasks[0].cursor ? 'incremental' : 'whole';
  } catch (error) {
    return error instanceof EtlError ? `${error.code} ${String(error.details['rule'])}: ${String(error.details['explanation'])}` : String(error);
  }
}
/** Why each kind is refused beside a cursor; null where it is not. `incremental.int-spec.ts` of the connectors proves the others. */
const refused: Readonly<Record<StepKind, RegExp | null>> = {
  derive: null, select: null, drop: null, rename: null, cast: null, json: null, mask: null, tokenize: null, filter: /filter leaves it out/, sample: /filter leaves it out/, aggregate: /group is made of rows/, pivot: /group is made of rows/, dedupe: /comes first/, limit: /are the first/, sort: /are the first/,
  flatten: /fewer items/, unpivot: /becomes several/, window: /rows around/, join: /other dataset/, lookup: /other dataset/, union: /other datasets/, query: /SELECT looks/,
};

describe('a step beside a cursor', () => {
  it.each(stepKinds)('%s is incremental, or refused with its reason', async (kind) => {
    const because = refused[kind];
    const answer = await asked(steps[kind]);
    if (because === null) expect(answer).toBe('incremental');
    else { expect(answer).toMatch(/^plan\.refused incremental equals full: /); expect(answer).toMatch(because); }
  });
});
