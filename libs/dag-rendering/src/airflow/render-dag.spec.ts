import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { EtlError } from '@agent-etl/contracts';
import fc from 'fast-check';
import { anApprovedPlan } from '../testing/approved-plan.ts';
import type { ApprovedPlan } from './dag-spec.ts';
import { renderDag } from './render-dag.ts';

const golden = join(import.meta.dirname, '..', 'golden');
const matchesGolden = (name: string, text: string): void => {
  const file = join(golden, name);
  if (process.env['UPDATE_GOLDEN'] === '1') { mkdirSync(golden, { recursive: true }); writeFileSync(file, text); }
  if (!existsSync(file)) throw new Error(`${file} is missing: run with UPDATE_GOLDEN=1`);
  expect(text).toBe(readFileSync(file, 'utf8'));
};
const literalOf = (text: string): Record<string, never> => JSON.parse(text.slice(text.indexOf("r'''") + 4, text.indexOf("''')"))) as Record<string, never>;
const refusal = (approved: ApprovedPlan): EtlError => {
  try { renderDag(approved); } catch (error) { if (error instanceof EtlError) return error; throw error; }
  throw new Error('it was rendered');
};

describe('renderDag', () => {
  it('writes the reviewed file for a plan with a cron in a zone', () => {
    const { text, dagId, fileName, target } = renderDag(anApprovedPlan());
    expect([dagId, fileName, target]).toEqual(['acme-flights', 'acme-flights.py', 'airflow 3.3 http']);
    matchesGolden('http-3.3-cron.py', text);
  });
  it('writes the reviewed file for a plan without a schedule and without addresses', () => {
    matchesGolden('http-3.3-none.py', renderDag(anApprovedPlan({ plan: { schedule: null }, approved: { addresses: {} } })).text);
  });
  it('gives the same bytes for the same plan, whatever the order of tasks, edges and keys', () => {
    const approved = anApprovedPlan();
    const turned = { ...approved, plan: { ...approved.plan, tasks: [...approved.plan.tasks].reverse() }, addresses: Object.fromEntries(Object.entries(approved.addresses ?? {}).reverse()) };
    expect(renderDag(turned).text).toBe(renderDag(approved).text);
  });
  it('starts at the approval, so that unpausing runs nothing that is past', () => {
    expect(literalOf(renderDag(anApprovedPlan()).text)['dag']).toMatchObject({ start: '2026-11-20T14:03:11Z', cron: '15 1 * * *', tz: 'Europe/Lisbon', paused: true, poke_s: 60, retry_s: 30 });
  });
  it('ends every branch in receipt', () => {
    const spec = renderDag(anApprovedPlan({ plan: { edges: [] } })).spec;
    expect(spec.edges).toEqual([['load_flights', 'receipt'], ['publish_flights', 'receipt']]);
    expect(spec.tasks.at(-1)).toMatchObject({ id: 'receipt', limit_s: 300 });
  });
  it('puts datasets on the tasks that really read and publish them', () => {
    const tasks = renderDag(anApprovedPlan()).spec.tasks.map(({ id, reads, writes }) => [id, reads, writes]);
    expect(tasks).toEqual([
      ['load_flights', [['ops.public.flights', 'postgres://ops-db:5432/ops/public/flights']], []],
      ['publish_flights', [], [['warehouse.mart.flights', 'postgres://warehouse-db:5432/dwh/mart/flights']]], ['receipt', [], []],
    ]);
  });
  it('gives slow plans longer limits, and none more than a day', () => {
    const limit = (seconds: [number, number, number]) => renderDag(anApprovedPlan({ plan: { cost: { rows: [0, 0, 0], seconds, usd: [0, 0, 0] } } })).spec.tasks[0]?.limit_s;
    expect([limit([1, 2, 3]), limit([1, 2, 1000]), limit([1, 2, 1e9])]).toEqual([1800, 10_000, 86_400]);
  });
});

describe('the gate of renderDag', () => {
  const cases: [string, Parameters<typeof anApprovedPlan>[0], string][] = [
    ['a control character in the description', { pipeline: { description: 'a\u0007b' } }, 'description'],
    ['a C1 control in the owner', { pipeline: { owner: 'a\u0085b' } }, 'owner'],
    ['a comma in the owner', { pipeline: { owner: 'a, b' } }, 'owner'],
    ['an owner of blanks', { pipeline: { owner: '   ' } }, 'owner'],
    ['a line separator in the owner', { pipeline: { owner: 'a\u2028b' } }, 'owner'],
    ['six cron fields', { plan: { schedule: { cron: '0 15 1 * * *' } } }, 'schedule/cron'],
    ['@daily', { plan: { schedule: { cron: '@daily' } } }, 'schedule/cron'],
    ['31 February', { plan: { schedule: { cron: '0 0 31 2 *' } } }, 'schedule/cron'],
    ['the last day as L', { plan: { schedule: { cron: '0 0 L * *' } } }, 'schedule/cron'],
    ['minute 60', { plan: { schedule: { cron: '60 * * * *' } } }, 'schedule/cron'],
    ['a code in the cron', { plan: { schedule: { cron: "0 0 * * ''')" } } }, 'schedule/cron'],
    ['Mars/Base', { plan: { schedule: { cron: '0 0 * * *', timezone: 'Mars/Base' } } }, 'schedule/timezone'],
    ['a zone in small letters', { plan: { schedule: { cron: '0 0 * * *', timezone: 'europe/lisbon' } } }, 'schedule/timezone'],
    ['a tenant with a dash', { approved: { tenant: 'a-b' } }, 'dag_id'],
    ['a tenant with a line feed at its end', { approved: { tenant: 'acme\n' } }, 'dag_id'],
    ['a plan id that is no hash', { approved: { planId: "'''" } }, 'plan'],
    ['an approval without zone', { approved: { approvedAt: '2026-11-20T14:03:11+01:00' } }, 'approvedAt'],
    ['an address with a user', { approved: { addresses: { ops: 'postgres://me@h:5432/d?x=1' } } }, 'asset/uri'],
    ['an edge into nothing', { plan: { edges: [['load_flights', 'nothing']] } }, 'edges/0'],
    ['a circle', { plan: { edges: [['load_flights', 'publish_flights'], ['publish_flights', 'load_flights']] } }, 'edges'],
  ];
  it.each(cases)('refuses %s and names the field', (_, change, field) => {
    const { code, details, issues } = refusal(anApprovedPlan(change));
    expect([code, details['field'], issues[0]?.path]).toEqual(['dag.invalid', field, `/${field}`]);
  });
  it('refuses NUL, half surrogates and the reserved task, however they came past the contracts', () => {
    const approved = anApprovedPlan();
    const withPipeline = (pipeline: object): ApprovedPlan => ({ ...approved, plan: { ...approved.plan, pipeline: { ...approved.plan.pipeline, ...pipeline } } });
    const [load] = approved.plan.tasks;
    if (!load) throw new Error('no task');
    const withTasks = (...ids: string[]): ApprovedPlan => ({ ...approved, plan: { ...approved.plan, edges: [], tasks: ids.map((id) => ({ ...load, id })) } });
    expect(refusal(withPipeline({ description: 'a\0b' })).message).toContain('description holds NUL');
    expect(refusal(withPipeline({ description: 'a\ud800b' })).message).toContain('description holds half of a surrogate pair');
    expect(refusal(withPipeline({ owner: 'x'.repeat(101) })).message).toContain('owner is 101 characters long');
    expect(refusal(withTasks('receipt')).message).toContain('reserved');
    expect(refusal(withTasks('a', 'a')).message).toContain('twice');
  });
  it('names all fields at once', () => {
    expect(refusal(anApprovedPlan({ pipeline: { owner: 'a,b', description: 'x\u0001' }, plan: { schedule: { cron: 'x' } } })).issues).toHaveLength(3);
  });
});

describe('the literal', () => {
  const nasty = fc.string({ unit: fc.constantFrom("'", "'''", '"', '"""', '\\', "\\'", '{{ 1 }}', '{%', '\n', '\t', '#', 'json.loads(', ')', 'é', '\u{1f600}', '\u2028', '\ufeff', '\u202e', '$(x)', 'a.md'), maxLength: 40 });
  it('hands every text to Python exactly as it is, and lets none out of its quotes', () => {
    fc.assert(fc.property(fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 60 })), (text) => {
      const spoken = text.toWellFormed().replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/gu, '');
      const rendered = renderDag(anApprovedPlan({ pipeline: { description: spoken } }));
      const read = literalOf(rendered.text) as unknown as { dag: { says: string } };
      const plain = renderDag(anApprovedPlan());
      expect(read.dag.says).toBe(spoken.replaceAll(/[ \t\r\n]+/g, ' ').trim() || 'ops.public.flights to warehouse.mart.flights');
      expect(rendered.text.split("'''").map((part, at) => (at === 1 ? '' : part))).toEqual(plain.text.split("'''").map((part, at) => (at === 1 ? '' : part)));
      expect(rendered.text).toMatch(/^[\x20-\x7e\n]*$/);
    }), { numRuns: 2000 });
  });
});
