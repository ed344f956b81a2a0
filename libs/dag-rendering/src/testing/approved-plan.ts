import { Plan } from '@agent-etl/contracts';
import type { ApprovedPlan } from '../airflow/dag-spec.ts';

const sha = (digit: string): string => digit.repeat(64);
const columns = [{ source: 'id', target: 'id', type: { kind: 'i64' }, sourceNative: 'bigint', targetNative: 'bigint', nullable: false }];
const profile = (ref: { connection: string; dataset: string }, rows: number) => {
  const exists = rows > 0;
  return {
    ...ref, connector: 'postgres', system: 'PostgreSQL 18.4', exists,
    columns: exists ? [{ name: 'id', type: { kind: 'i64' }, native: 'bigint', nullable: false }] : [],
    primaryKey: exists ? ['id'] : null, uniqueKeys: [], indexes: [], rows, rowsExact: false, bytes: 220_000_000, pages: exists ? 26_855 : null, walLevel: 'replica',
    dependents: { views: 0, foreignKeys: 0, policies: 0, grants: 0 }, columnStats: {}, options: {}, fingerprint: sha('f'),
  };
};
const source = { connection: 'ops', dataset: 'public.flights' };
const target = { connection: 'warehouse', dataset: 'mart.flights' };
const load = {
  id: 'load_flights', engine: 'splice', kind: 'load', source, target, columns, carrier: 'frames',
  chunks: { by: 'ctid', count: 8, parallel: 2, targetBytes: 33_554_432 }, sourceFingerprint: sha('f'), options: {}, digest: 'pg-frame',
};
const publish = {
  id: 'publish_flights', engine: 'splice', kind: 'publish', load: 'load_flights', source, target, columns, how: 'rename', key: ['id'], keyFromSource: true, level: 'full', digest: 'pg-frame',
};

/** A plan that copies one table in two tasks, approved, with every hour a schedule when none is given. `pipeline` and `plan` replace single fields. */
export function anApprovedPlan(change: { pipeline?: Record<string, unknown>; plan?: Record<string, unknown>; approved?: Partial<ApprovedPlan> } = {}): ApprovedPlan {
  const plan = Plan.parse({
    schemaVersion: 1, pipeline: { name: 'flights', owner: 'air-data', from: source, to: target, ...change.pipeline },
    tasks: [load, publish], edges: [['load_flights', 'publish_flights']], schedule: { cron: '15 1 * * *', timezone: 'Europe/Lisbon' }, driver: 'airflow',
    target: { ...target, load: 'append' },
    decisions: [{ question: 'chunks', choice: '8 pieces', by: 'rules', reason: { code: 'chunks.by-size', text: '220 MB at 32 MiB each.' }, rejected: [{ choice: '1 piece', because: 'A lost worker would start again from zero.' }] }],
    risk: 'R1', risks: [], cost: { rows: [2_900_000, 3_000_000, 3_100_000], seconds: [4, 7, 20], usd: [0, 0, 0] },
    profiles: { source: profile(source, 3_000_000), target: profile(target, 0) }, ...change.plan,
  });
  return {
    plan, planId: sha('5'), tenant: 'acme', approvedAt: '2026-11-20T14:03:11.250Z',
    addresses: { ops: 'postgres://ops-db:5432/ops', warehouse: 'postgres://warehouse-db:5432/dwh' }, ...change.approved,
  };
}
