import { connectors, mapColumnType, openConnection } from '@agent-etl/connectors';
import type { ConnectorTools } from '@agent-etl/connectors';
import { Connection, EtlError, type LoadResult, type LoadTask, Pipeline, type Plan, type Profile, type PublishResult, type PublishTask } from '@agent-etl/contracts';
import { type Planned, planCopy, verifyPlan } from '@agent-etl/planning';
import { MemorySecretStore } from '@agent-etl/secrets';
import pg from 'pg';
import { v7 } from 'uuid';
import type { StoredCut } from '../chunks/chunks.repository.ts';
import { AttemptContext, type ConnectorsByName } from '../steps/attempt-context.ts';
import { aCommand } from './an-attempt.ts';

/** Secrets that such copies may open. */
export const copySecrets = new MemorySecretStore();
const tools: ConnectorTools = { secrets: copySecrets, fileRoots: [], scratch: '/nowhere', fileLedger: undefined as never, name: 'cursor copy' };

/** One run of a plan, step by step: a test does between two of them what the world does. */
export interface Journey { readonly runId: string; load(attempt?: number): Promise<LoadResult>; publish(load: LoadResult): Promise<PublishResult> }

/** A pipeline from `public.NAME` to `mart.NAME` of a real PostgreSQL: profiled, planned by the rules and run by the steps, without an orchestrator in between. */
export class ACursorCopy {
  private readonly others: pg.Client[] = [];
  private constructor(readonly db: pg.Client, private readonly url: URL, readonly name: string) {}
  static async open(adminUrl: string, name: string): Promise<ACursorCopy> {
    const copy = new ACursorCopy(new pg.Client({ connectionString: adminUrl }), new URL(adminUrl), name);
    await copy.db.connect();
    return copy;
  }
  /** Another session, for what goes on beside a run. */
  async beside(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url.href });
    await client.connect();
    this.others.push(client);
    return client;
  }
  private get connections(): Connection[] {
    const { hostname, port, username, pathname } = this.url;
    return ['from', 'into'].map((name) => Connection.parse({ name, connector: 'postgres', host: hostname, port: Number(port), database: pathname.slice(1), user: username || 'postgres', tls: 'disable' }));
  }
  private async profile(dataset: string, as: 'source' | 'target'): Promise<Profile> {
    const open = await openConnection(this.connections[as === 'source' ? 0 : 1]!, tools);
    try { return await open.profile(dataset, as); } finally { await open.close(); }
  }
  async ask({ before = null, earlierRuns = 0, ...over }: { to?: object; from?: object; name?: string; more?: object; before?: Profile | null; earlierRuns?: number } = {}): Promise<Planned> {
    const pipeline = Pipeline.parse({ name: over.name ?? 'events', from: { connection: 'from', dataset: `public.${this.name}`, ...over.from }, to: { connection: 'into', dataset: `mart.${this.name}`, ...over.to }, ...over.more });
    const [source, target] = await Promise.all([this.profile(pipeline.from.dataset, 'source'), this.profile(pipeline.to.dataset, 'target')]);
    return planCopy({ pipeline, source, target, policy: {}, mapColumn: mapColumnType, before, earlierRuns });
  }
  /** @throws Error with the questions or issues, where there is no good plan */
  async plan(over: Parameters<ACursorCopy['ask']>[0] = {}): Promise<Plan> {
    const planned = await this.ask(over);
    if ('questions' in planned) throw new Error(planned.questions.map(({ text }) => text).join());
    const { ok, issues } = verifyPlan(planned.plan, {});
    if (!ok) throw new EtlError('plan.refused', { rule: 'the verifier', explanation: JSON.stringify(issues) });
    return planned.plan;
  }
  /** @param targetBytes source bytes per piece, where a test wants many */
  begin({ tasks }: Plan, targetBytes?: number, { by = connectors as unknown as ConnectorsByName, began = new Date().toISOString() }: { readonly by?: ConnectorsByName; readonly began?: string } = {}): Journey {
    const [load, publish] = tasks as [LoadTask, PublishTask];
    const runId = v7();
    const memory: { cut: StoredCut | null } = { cut: null };
    const task = targetBytes === undefined ? load : { ...load, chunks: { ...load.chunks, targetBytes } };
    const step = async <T>(of: LoadTask | PublishTask, result: LoadResult | null, attempt: number): Promise<T> => {
      const context = this.context(aCommand(of, { runId, taskRunId: v7(), connections: this.connections, load: result, attempt, began }), memory, by);
      try { return await context.run() as T; } finally { await context.close(); }
    };
    return { runId, load: (attempt = 1) => step(task, null, attempt), publish: (result) => step(publish, result, 1) };
  }
  private context(command: ReturnType<typeof aCommand>, memory: { cut: StoredCut | null }, by: ConnectorsByName): AttemptContext {
    return new AttemptContext({
      command, worker: 'worker-1', signal: new AbortController().signal, beat: () => Promise.resolve(), report: () => undefined, connectors: by,
      cuts: {
        find: () => Promise.resolve(memory.cut), forget: () => { memory.cut = null; return Promise.resolve(); },
        replace: (cut) => { memory.cut = cut; return Promise.resolve(); }, handOn: (snapshot) => { memory.cut = { ...memory.cut!, snapshot }; return Promise.resolve(); },
      },
      tools: () => Promise.resolve(tools), dropScratch: () => Promise.resolve(),
    });
  }
  async run(plan: Plan, targetBytes?: number, began?: string): Promise<{ load: LoadResult; publish: PublishResult }> {
    const journey = this.begin(plan, targetBytes, began === undefined ? {} : { began });
    const load = await journey.load();
    return { load, publish: await journey.publish(load) };
  }
  /** Count and order-free hash of every row, as it prints. */
  async hash(of: 'public' | 'mart'): Promise<string> {
    const { rows } = await this.db.query<{ n: string; h: string }>(`select count(*) as n, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) as h from ${of}.${this.name} as t`);
    return `${rows[0]!.n}:${rows[0]!.h}`;
  }
  async position(): Promise<{ value: string; run_id: string; moved: string } | null> {
    const { rows } = await this.db.query<{ value: string; run_id: string; moved: string }>(`select value, run_id, moved_at::text as moved from _etl.position where target = $1 and pipeline = 'events'`, [`mart.${this.name}`]);
    return rows[0] ?? null;
  }
  async close(): Promise<void> { await Promise.all([this.db, ...this.others].map((client) => client.end())); }
}
