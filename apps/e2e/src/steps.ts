import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { ApiError } from '@agent-etl/api-client';
import { type Failure, type Pipeline, type RequestView, type RunId, type RunView, endpoints, isFinal } from '@agent-etl/contracts';
import { type World, sqlIn } from './world.ts';

let count = 0;
/** A legal name that no other scenario uses. */
export const fresh = (prefix: string): string => `${prefix}_${process.pid % 10_000}_${count += 1}`;

type Server = Pick<World, 'postgresUrl'>;
/** Databases of a server that belong to the login of all scenarios. */
export async function makeDatabases(server: Server, names: readonly string[], password: string): Promise<void> {
  await sqlIn(server, 'postgres', `create role etl login password '${password}'`);
  for (const name of names) await sqlIn(server, 'postgres', `create database ${name} owner etl`);
}
export async function connectTo({ client }: World, { postgresUrl }: Server, { name, database }: { name: string; database: string }): Promise<void> {
  const { hostname: host, port } = new URL(postgresUrl);
  await client.call(endpoints.putConnection, { params: { name }, body: { connector: 'postgres', host, port: Number(port), database, user: 'etl', password: 'secret://etl#password', tls: 'disable' } });
}
/** Connections and databases that the scenarios share: `shop` and `warehouse` with a login of their own, `files` in the world's folder. */
export async function furnish(world: World, password: string): Promise<void> {
  const names = ['shop', 'warehouse'];
  await makeDatabases(world, names, password);
  for (const name of names) await connectTo(world, world, { name, database: name });
  await world.client.call(endpoints.putConnection, { params: { name: 'files' }, body: { connector: 'file', root: world.folder } });
}
export const inShop = <T extends Record<string, unknown>>(server: Server, text: string): Promise<T[]> => sqlIn<T>(server, 'shop', `set role etl; ${text}`);
export const inWarehouse = <T extends Record<string, unknown>>(server: Server, text: string): Promise<T[]> => sqlIn<T>(server, 'warehouse', `set role etl; ${text}`);

/** Asks again for as long as the system, or what it stands on, is away. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (const until = Date.now() + 60_000; ; await delay(200)) {
    try { return await call(); } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'platform.unavailable' || Date.now() > until) throw error;
    }
  }
}
/** Waits longer from time to time: an answer costs its service some milliseconds, which are what a busy machine is short of. */
function slowing(): () => Promise<void> {
  let wait = 20;
  return async () => { await delay(wait); wait = Math.min(wait * 1.5, 100); };
}
const viewOf = (world: World, requestId: string): Promise<RequestView> => patiently(() => world.client.call(endpoints.getRequest, { params: { requestId } }));
/** Waits until a request is settled: its plan waits or is refused, or its run has ended. */
export async function settle(world: World, first: RequestView): Promise<RequestView> {
  const ends: readonly RequestView['state'][] = ['planned', 'waiting', 'finished', 'failed'];
  let view = first;
  const pace = slowing();
  for (const until = Date.now() + 90_000; !ends.includes(view.state); await pace()) {
    if (Date.now() > until) throw new Error(`request ${first.requestId} is still ${view.state}`);
    view = await viewOf(world, first.requestId);
  }
  return view;
}
export const request = ({ client }: World, pipeline: Pipeline, requestId: string = randomUUID()): Promise<RequestView> =>
  client.call(endpoints.createRequest, { body: { requestId, pipeline, run: 'now' } });
export async function ask(world: World, pipeline: Pipeline, requestId?: string): Promise<RequestView> {
  return settle(world, await request(world, pipeline, requestId));
}
/** Asks for a run and answers as soon as it has begun. */
export async function begin(world: World, pipeline: Pipeline): Promise<RunId> {
  let view = await request(world, pipeline);
  for (; !view.runId; view = await viewOf(world, view.requestId)) if (view.state === 'failed' || view.state === 'waiting') throw new Error(`${pipeline.name} is ${view.state}: ${JSON.stringify(view.failure)}`);
  return view.runId;
}
export async function runOf({ client }: World, view: RequestView): Promise<RunView> {
  if (!view.runId) throw new Error(`request ${view.requestId} has no run: ${view.state} ${JSON.stringify(view.failure)}`);
  return client.call(endpoints.getRun, { params: { runId: view.runId } });
}
const isOver = ({ state }: RunView): boolean => isFinal(state);
export async function untilRun(world: World, runId: RunId, isEnough: (run: RunView) => boolean = isOver): Promise<RunView> {
  const pace = isEnough === isOver ? slowing() : () => delay(20); // a moment in the middle of a run passes quickly
  for (const until = Date.now() + 90_000; ; await pace()) {
    const run = await patiently(() => world.client.call(endpoints.getRun, { params: { runId } }));
    if (isEnough(run)) return run;
    if (Date.now() > until) throw new Error(`run ${runId} is still ${run.state}`);
  }
}
const green = (run: RunView): RunView => {
  if (run.state !== 'succeeded') throw new Error(`${run.pipeline} is ${run.state}: ${JSON.stringify(run.failure)}`);
  return run;
};
/** Waits for the green end of a run. */
export const untilGreen = async (world: World, runId: RunId): Promise<RunView> => green(await untilRun(world, runId));
/** Runs a pipeline to its green end. */
export async function copy(world: World, pipeline: Pipeline): Promise<RunView> {
  return green(await runOf(world, await ask(world, pipeline)));
}
/** Why a pipeline did not come to a green end, wherever that showed: always one sentence, something to do, a code and a trace. */
export async function failureOf(world: World, pipeline: Pipeline): Promise<Failure> {
  const failure = await whyNot(world, pipeline);
  expect(failure).toMatchObject({ text: expect.stringMatching(/^[^\n]+[.?]$/) as unknown, next: expect.stringMatching(/\S/) as unknown, traceId: expect.stringMatching(/^[0-9a-f]{32}$/) as unknown });
  return failure;
}
async function whyNot(world: World, pipeline: Pipeline): Promise<Failure> {
  try {
    const view = await ask(world, pipeline);
    const failure = view.failure ?? (view.runId ? (await runOf(world, view)).failure : null);
    if (failure) return failure;
    throw new Error(`${pipeline.name} did not fail: ${view.state}`);
  } catch (error) {
    if (error instanceof ApiError) return error.failure;
    throw error;
  }
}
export const between = (from: string, to: string, more: Partial<Pipeline['to']> = {}): Pipeline => {
  const [sourceConnection = '', ...source] = from.split('|');
  const [targetConnection = '', ...target] = to.split('|');
  return { version: 1, name: fresh('p'), from: { connection: sourceConnection, dataset: source.join('|') }, to: { connection: targetConnection, dataset: target.join('|'), ...more } };
};
