import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiError, type Client } from '@agent-etl/api-client';
import { type Endpoint, type PlanView, type RunView, endpoints } from '@agent-etl/contracts';
import { exitCodes } from '../session/exit-codes.ts';
import { Output } from '../session/output.ts';
import type { Session } from '../session/session.ts';
import { findPlanOrRun, findRun } from './find-run.ts';
import { pipelinesCommand } from './look-commands.ts';
import { applyCommand, planCommand } from './plan-and-run.ts';

const [oldId, readId, newId] = ['a1', 'b2', 'c3'].map((digits) => digits.repeat(32)) as [string, string, string];
const aPlan = (planId: string, changes: Partial<PlanView> = {}): PlanView => ({
  planId, pipeline: 'orders', status: 'proposed', risk: 'R2', risks: ['it replaces 10 rows'], decisions: [], tasks: [], questions: [],
  verdict: { ok: true, issues: [] }, cost: { rows: [1, 1, 1], seconds: [1, 1, 1], usd: [0, 0, 0] }, ...changes }) as unknown as PlanView;
const pipelineFile = 'version: 1\nname: orders\nfrom: { connection: shop, dataset: public.orders }\nto: { connection: warehouse, dataset: mart.orders, load: replace }\n';

let cwd: string;
beforeEach(async () => { cwd = await mkdtemp(join(tmpdir(), 'etl-cli-')); });
afterEach(async () => { await rm(cwd, { recursive: true, force: true }); });

interface Query { readonly pipeline?: string; readonly begins?: string; readonly limit?: number; readonly cursor?: string }
interface Input { readonly params?: { planId?: string; runId?: string }; readonly query?: Query }
/** An API whose newest plan comes first; what is planned is `next`. */
function anApi({ plans = [], next = aPlan(newId), runs = [], pipelines = 0 }: { plans?: PlanView[]; next?: PlanView; runs?: RunView[]; pipelines?: number }) {
  const said = { out: '', err: '', approved: [] as string[], planned: 0, asked: [] as Endpoint[] };
  const missing = () => new ApiError({ code: 'access.not-found', text: 'There is no such dag.', next: null, traceId: null }, 404);
  const answers = new Map<Endpoint, (input: Input) => unknown>([
    [endpoints.listPlans, ({ query = {} }) => ({ items: plans.filter(({ pipeline, planId }) => (!query.pipeline || query.pipeline === pipeline) && planId.startsWith(query.begins ?? '')).slice(0, query.limit), next: null })],
    [endpoints.listRuns, ({ query = {} }) => ({ items: runs.filter(({ pipeline }) => !query.pipeline || query.pipeline === pipeline).slice(0, query.limit), next: null })],
    [endpoints.listPipelines, ({ query = {} }) => {
      const from = Number(query.cursor ?? 0);
      const to = Math.min(pipelines, from + (query.limit ?? 50));
      return { items: Array.from({ length: to - from }, (_, at) => ({ name: `p${from + at}`, spec: { from: {}, to: {} }, lastState: null, planId: null })), next: to < pipelines ? String(to) : null };
    }],
    [endpoints.getPlan, ({ params }) => [...plans, next].find(({ planId }) => planId === params?.planId)],
    [endpoints.getRun, ({ params }) => runs.find(({ runId }) => runId === params?.runId)],
    [endpoints.getDag, ({ params }) => { if (params?.planId !== oldId) throw missing(); return { text: 'dag = 1\n' }; }],
    [endpoints.createPlan, () => { said.planned += 1; return { requestId: 'r', state: 'waiting', planId: next.planId, runId: null, failure: null }; }],
    [endpoints.approvePlan, ({ params }) => { said.approved.push(params?.planId ?? ''); return aPlan(params?.planId ?? '', { status: 'approved' }); }],
  ]);
  const client = { call: async (endpoint: Endpoint, input: Input = {}) => { said.asked.push(endpoint); return answers.get(endpoint)!(input); } } as unknown as Client;
  const stream = (name: 'out' | 'err') => ({ write: (text: string) => { said[name] += text; return true; } }) as unknown as NodeJS.WritableStream;
  const session = { client: async () => client, output: new Output({}, {}, { out: stream('out'), err: stream('err') }), cwd, env: {}, isDeployed: false } as unknown as Session;
  return { said, client, session };
}
const crowd = (count: number): PlanView[] => Array.from({ length: count }, (_, at) => aPlan(at.toString(16).padStart(64, '0'), { pipeline: 'other' }));

describe('apply', () => {
  it('approves the latest plan of a pipeline, however many plans of others are newer', async () => {
    const { said, session } = anApi({ plans: [...crowd(300), aPlan(readId), aPlan(oldId)] });
    expect(await applyCommand(session, 'orders', { approve: true })).toBe(exitCodes.green);
    expect([said.approved, said.planned]).toEqual([[readId], 0]);
    expect(said.out).toContain(`approved; run it with: agent-etl run ${readId}`);
  });
  it.each([['the id', readId], ['the digits that screens show', readId.slice(0, 12)]])('approves a plan by %s, also when a newer one waits', async (_, text) => {
    const { said, session } = anApi({ plans: [aPlan(newId), aPlan(readId)] });
    expect([await applyCommand(session, text, { approve: true }), said.approved]).toEqual([exitCodes.green, [readId]]);
  });
  it('does not guess between two plans that begin alike', async () => {
    const { said, session } = anApi({ plans: [aPlan(newId), aPlan(`${newId.slice(0, 60)}0000`)] });
    await expect(applyCommand(session, newId.slice(0, 12), { approve: true })).rejects.toMatchObject({ code: 'request.ambiguous', next: 'write more digits of the id' });
    expect(said.approved).toEqual([]);
  });
  it.each([['a name without a plan', 'orders', []], ['a pipeline file, whatever waits', 'orders.yaml', [aPlan(readId)]]])('only shows what it has planned itself: %s', async (_, text, plans) => {
    await writeFile(join(cwd, 'orders.yaml'), pipelineFile);
    const { said, session } = anApi({ plans });
    expect([await applyCommand(session, text, { approve: true }), said.approved, said.planned]).toEqual([exitCodes.needsPerson, [], 1]);
    expect([said.out, said.err]).toEqual([expect.stringContaining(`plan orders   ${newId.slice(0, 12)}   proposed`), ` next    a person must approve: agent-etl apply ${newId} --approve\n`]);
  });
  it('approves nothing that was not asked for, nor what has open questions', async () => {
    const open = anApi({ plans: [aPlan(readId, { questions: [{ id: 'load', text: 'How?', choices: [] }] as unknown as PlanView['questions'] })] });
    expect([await applyCommand(open.session, 'orders', { approve: true }), open.said.approved]).toEqual([exitCodes.needsPerson, []]);
    const shown = anApi({ plans: [aPlan(readId)] });
    expect([await applyCommand(shown.session, 'orders', {}), shown.said.approved]).toEqual([exitCodes.needsPerson, []]);
  });
});
describe('plan --dag', () => {
  it('shows a plan that waits, at once, and says that the DAG comes with the approval', async () => {
    const { said, session } = anApi({ plans: [aPlan(readId)] });
    expect([await planCommand(session, readId, { dag: 'dag.py' }), existsSync(join(cwd, 'dag.py')), said.asked.includes(endpoints.getDag)]).toEqual([exitCodes.needsPerson, false, false]);
    expect([said.out, said.err]).toEqual([expect.stringContaining('plan orders'), expect.stringContaining(`it comes with the approval; then: agent-etl plan ${readId} --dag dag.py`)]);
  });
  it('writes that of an approved plan', async () => {
    const { session } = anApi({ plans: [aPlan(oldId, { status: 'approved' })] });
    expect([await planCommand(session, oldId, { dag: 'dag.py' }), await readFile(join(cwd, 'dag.py'), 'utf8')]).toEqual([exitCodes.green, 'dag = 1\n']);
  });
  it('shows the plan and fails when the DAG is not rendered in time', async () => {
    const { said, session } = anApi({ plans: [aPlan(readId, { status: 'approved' })] });
    expect(await planCommand(session, readId, { dag: 'dag.py' })).toBe(exitCodes.failed);
    expect([said.out, said.err]).toEqual([expect.stringContaining('plan orders'), expect.stringContaining('not rendered yet')]);
  }, 15_000);
});
describe('a long history', () => {
  const aRun = (runId: string, pipeline: string): RunView => ({ runId, pipeline, planId: null }) as unknown as RunView;
  const others = Array.from({ length: 300 }, (_, at) => aRun(`018f0000-0000-7000-8000-${at.toString().padStart(12, '0')}`, 'other'));
  it('hides neither the latest run of a pipeline nor its latest plan', async () => {
    const mine = aRun('018f0000-0000-7000-8000-00000000ffff', 'orders');
    expect(await findRun(anApi({ runs: [...others, mine] }).client, 'orders')).toEqual(mine);
    expect((await findPlanOrRun(anApi({ plans: [...crowd(300), aPlan(readId)] }).client, 'orders')).plan?.planId).toBe(readId);
    expect((await findPlanOrRun(anApi({ plans: [...crowd(300), aPlan(readId)] }).client, readId.slice(0, 6))).plan?.planId).toBe(readId);
  });
  it('still finds a run by the end of its id', async () => { expect((await findRun(anApi({ runs: others }).client, '000000000007')).runId).toBe(others[7]!.runId); });
  it('shows every pipeline', async () => {
    const { said, session } = anApi({ pipelines: 1201 });
    expect([await pipelinesCommand(session), said.out.includes('p1200')]).toEqual([exitCodes.green, true]);
  });
});
