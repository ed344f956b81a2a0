import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_TENANT, type Pipeline, type PipelineView, type RequestView, type Schedule } from '@agent-etl/contracts';
import { sql } from '@agent-etl/persistence';
import { aPipeline, mapForTests } from '@agent-etl/planning/testing';
import { type TestService, type TestServiceOptions, aService, testTokens } from '@agent-etl/service-kit/testing';
import type { OrchestratorConfig } from '../orchestrator-config.ts';
import { orchestratorService } from '../orchestrator.module.ts';

export interface Slot { readonly slot: Date; readonly outcome: string | null; readonly runId: string | null; readonly missed: number; readonly code: string | null }
export interface ScheduledService {
  readonly service: TestService<'orchestrator', OrchestratorConfig>;
  call<T>(method: string, path: string, body?: unknown): Promise<{ status: number; json: T }>;
  view(name: string): Promise<PipelineView>;
  /** Has a pipeline planned and, where policy lets it, its schedule deployed. */
  deploy(more: Partial<Pipeline>): Promise<RequestView>;
  /** Lets time pass for a schedule: its next slot was so long ago. */
  let(name: string, passed: string): Promise<void>;
  slots(name: string): Promise<Slot[]>;
  runs(name: string): Promise<{ runId: string; state: string }[]>;
}
export const nightly: Schedule = { cron: '15 1 * * *', timezone: 'Europe/Lisbon' };
export const merging = (name: string, schedule: Schedule | null = nightly): Partial<Pipeline> =>
  ({ name, to: { connection: 'warehouse', dataset: `mart.${name}`, load: 'upsert', key: ['flight_id'] }, ...(schedule ? { schedule } : {}) });

/** An orchestrator whose schedules a test can look at and move in time. */
export async function aScheduledService(options: TestServiceOptions): Promise<ScheduledService> {
  const service = await aService(orchestratorService({ signingKey: generateKeyPairSync('ed25519').privateKey, connectors: { views: [], mapColumn: mapForTests } }), options);
  const call = async <T>(method: string, path: string, body?: unknown): Promise<{ status: number; json: T }> => {
    const answer = await fetch(`${service.url}${path}`, { method, headers: { authorization: `Bearer ${testTokens.editor}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return { status: answer.status, json: await answer.json() as T };
  };
  for (const name of ['ops', 'warehouse']) await call('PUT', `/v1/connections/${name}`, { connector: 'postgres', host: '127.0.0.1', user: 'etl', password: `secret://${name}#password` });
  const rows = <T>(query: ReturnType<typeof sql>): Promise<T[]> => service.state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run<T>(query));
  return {
    service, call,
    view: async (name) => (await call<PipelineView>('GET', `/v1/pipelines/${name}`)).json,
    deploy: async (more) => (await call<RequestView>('POST', '/v1/requests?wait=10', { pipeline: aPipeline(more) })).json,
    let: async (name, passed) => { await rows(sql`update schedule set next_at = date_trunc('milliseconds', clock_timestamp() - ${passed}::interval) where pipeline_id = (select pipeline_id from pipeline where name = ${name})`); },
    slots: (name) => rows(sql`select slot, outcome, run_id as "runId", missed, failure ->> 'code' as code from schedule_slot join pipeline using (tenant_id, pipeline_id) where name = ${name} order by slot`),
    runs: (name) => rows(sql`select run_id as "runId", state from run where pipeline = ${name} and kind = 'copy' order by started_at`),
  };
}
/** Looks until there is an answer. */
export async function eventually<T>(look: () => Promise<T>, isEnough: (found: T) => boolean): Promise<T> {
  for (const until = Date.now() + 20_000; ; await sleep(50)) {
    const found = await look();
    if (isEnough(found)) return found;
    if (Date.now() > until) throw new Error(`still ${JSON.stringify(found)}`);
  }
}
