import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, type Client } from '@agent-etl/api-client';
import { type PipelineRequest, type PlanView, type RequestView, endpoints, errorTable } from '@agent-etl/contracts';
import type { DerivedConnection } from '../addresses/derive-pipeline.ts';
import { WrongUse } from '../session/exit-codes.ts';
import { readProject } from '../session/project-file.ts';
import type { Session } from '../session/session.ts';

const settled: readonly RequestView['state'][] = ['planned', 'waiting', 'finished', 'failed'];

/** Hands over the connections that addresses imply. A password goes to the memory of the own standalone, over loopback, for this command. */
export async function putDerivedConnections(session: Session, connections: readonly DerivedConnection[]): Promise<void> {
  const client = await session.client();
  for (const { name, spec, password, folder } of connections) {
    if (session.isDeployed && password !== null) throw new WrongUse('A deployed API takes no passwords.', `store it there, then: agent-etl connections add ${name} ADDRESS --password secret://name#password`);
    if (folder !== null && !session.isDeployed) await client.call(endpoints.allowFileRoot, { body: { folder } });
    if ('root' in spec || password === null) { await client.call(endpoints.putConnection, { params: { name }, body: spec }); continue; }
    const id = randomUUID();
    await client.call(endpoints.putEphemeralSecret, { params: { id }, body: { fields: { password } } });
    await client.call(endpoints.putConnection, { params: { name }, body: { ...spec, password: `secret://ephemeral/${id}#password` } });
  }
}
/** A deployed API does not read the project folder: what its agent-etl.yaml says of connections is sent, references as they stand. */
export async function putProjectConnections(session: Session): Promise<void> {
  if (!session.isDeployed) return;
  const client = await session.client();
  for (const [name, body] of Object.entries((await readProject(session.projectDir))?.connections ?? {})) await client.call(endpoints.putConnection, { params: { name }, body });
}
/** Throws what made a request fail, as if the API had answered it at once. */
export function throwFailure({ failure, state }: RequestView): void {
  if (state === 'failed' && failure) throw new ApiError(failure, errorTable[failure.code].http);
}
/** Waits until a request has a plan, a run, or an end. */
export async function awaitRequest(client: Client, first: RequestView, isEnough: (view: RequestView) => boolean): Promise<RequestView> {
  let view = first;
  for (let pause = 20; !settled.includes(view.state) && !isEnough(view); pause = Math.min(200, pause * 1.3)) {
    await delay(pause);
    view = await client.call(endpoints.getRequest, { params: { requestId: first.requestId } });
  }
  throwFailure(view);
  return view;
}
export interface Submitted { readonly view: RequestView; readonly plan: PlanView | null }

/** Sends a request and waits for its plan; the run, if one is asked for, starts by itself. */
export async function submit(session: Session, request: PipelineRequest, as: 'plan' | 'run'): Promise<Submitted> {
  const client = await session.client();
  const requestId = request.requestId ?? randomUUID();
  const body = { ...request, requestId, run: as === 'run' ? 'now' as const : 'never' as const };
  session.output.progress(' planning ...');
  const accepted = await client.call(as === 'run' ? endpoints.createRequest : endpoints.createPlan, { body }); // the id in the body is the key: it may hold what no header can
  return withPlan(client, await awaitRequest(client, accepted, (view) => view.planId !== null));
}
export async function withPlan(client: Client, view: RequestView): Promise<Submitted> {
  const plan = view.planId ? await client.call(endpoints.getPlan, { params: { planId: view.planId } }) : null;
  return { view, plan };
}
