import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { ApiError } from '@agent-etl/api-client';
import { type Failure, type Pipeline, type RequestView, type RunId, type RunView, endpoints, isFinal } from '@agent-etl/contracts';
import { type World, sqlIn } from './world.ts';

let count = 0;
/** A legal name that no other scenario uses. */
export const fresh = (prefix: string): string => `${prefix}_${process.pid % 10_000}_${count += 1}`;

/** Connections and databases that the scenarios share: `shop` and `warehouse` with a login of their own, `files` in the world's folder. */
export async function furnish(world: World, password: string): Promise<void> {
  await sqlIn(world, 'postgres', 'create database shop');
  await sqlIn(world, 'postgres', 'create database warehouse');
  await sqlIn(world, 'postgres', `create role etl login password '${password}'`);
  for (const database of ['shop', 'warehouse']) await sqlIn(world, 'postgres', `alter database ${database} owner to etl`);
  const { hostname: host, port } = new URL(world.postgresUrl);
  for (const name of ['shop', 'warehouse']) {
    await world.client.call(endpoints.putConnection, { params: { name }, body: { connector: 'postgres', host, port: Number(port), database: name, user: 'etl', password: 'secret://etl#password', tls: 'disable' } });
  }
  await world.client.call(endpoints.putConnection, { params: { name: 'files' }, body: { connector: 'file', root: world.folder } });
}
export const inShop = <T extends Record<string, unknown>>(world: World, text: string): Promise<T[]> => sqlIn<T>(world, 'shop', `set role etl; ${text}`);
export const inWarehouse = <T extends Record<string, unknown>>(world: World, text: string): Promise<T[]> => sqlIn<T>(world, 'warehouse', `set role etl; ${text}`);

/** Waits until a request is settled: its plan waits or is refused, or its run has ended. */
export async function settle({ client }: World, first: RequestView): Promise<RequestView> {
  const ends: readonly RequestView['state'][] = ['planned', 'waiting', 'finished', 'failed'];
  let view = first;
  for (const until = Date.now() + 90_000; !ends.includes(view.state); await delay(50)) {
    if (Date.now() > until) throw new Error(`request ${first.requestId} is still ${view.state}`);
    view = await client.call(endpoints.getRequest, { params: { requestId: first.requestId } });
  }
  return view;
}
export async function ask(world: World, pipeline: Pipeline, requestId: string = randomUUID()): Promise<RequestView> {
  return settle(world, await world.client.call(endpoints.createRequest, { body: { requestId, pipeline, run: 'now' } }));
}
export async function runOf({ client }: World, view: RequestView): Promise<RunView> {
  if (!view.runId) throw new Error(`request ${view.requestId} has no run: ${view.state} ${JSON.stringify(view.failure)}`);
  return client.call(endpoints.getRun, { params: { runId: view.runId } });
}
export async function untilRun({ client }: World, runId: RunId, isEnough: (run: RunView) => boolean = ({ state }) => isFinal(state)): Promise<RunView> {
  for (const until = Date.now() + 90_000; ; await delay(20)) {
    const run = await client.call(endpoints.getRun, { params: { runId } });
    if (isEnough(run)) return run;
    if (Date.now() > until) throw new Error(`run ${runId} is still ${run.state}`);
  }
}
/** Runs a pipeline to its green end. */
export async function copy(world: World, pipeline: Pipeline): Promise<RunView> {
  const run = await runOf(world, await ask(world, pipeline));
  if (run.state !== 'succeeded') throw new Error(`${pipeline.name} is ${run.state}: ${JSON.stringify(run.failure)}`);
  return run;
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
