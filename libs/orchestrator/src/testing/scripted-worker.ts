import { type Digest, type LoadResult, type MessageType, type Payload, type ProfileResult, type PublishResult, type TaskResult, EtlError, toFailure, type ErrorCode } from '@agent-etl/contracts';
import { type Closable, type MessageBus, wireMessage } from '@agent-etl/messaging';
import { aMissingTarget, aProfile } from '@agent-etl/planning/testing';

export type Command = Payload<'task.run.requested.v1'>;
export type Answer = { readonly result: TaskResult } | { readonly fails: ErrorCode } | 'silent';
export interface ScriptedWorker extends Closable {
  readonly commands: Command[]; readonly cancels: Payload<'task.run.cancel-requested.v1'>[];
  report<T extends MessageType>(type: T, payload: Payload<T>): Promise<void>;
  tenantId: string;
}

const digest = (rows: number): Digest => ({ kind: 'pg-frame', rows, a: String(rows * 7), b: String(rows * 11) });
export const profileOf = (more: Partial<ProfileResult> = {}): ProfileResult => ({ kind: 'profile', source: aProfile(), target: aMissingTarget(), ...more });
export const loadOf = (rows: number): LoadResult => ({ kind: 'load', read: rows, filtered: 0, rejected: 0, written: rows, bytes: rows * 60, chunks: 8, resumed: 0, digest: digest(rows) });
export const publishOf = (rows: number, more: Partial<PublishResult> = {}): PublishResult =>
  ({ kind: 'publish', published: rows, inserted: null, updated: null, level: 'full', sourceDigest: digest(rows), targetDigest: digest(rows), proofMs: 12, ...more });

/** What a worker that meets no trouble answers. */
export const obedient = ({ task }: Command): Answer => {
  switch (task.kind) {
    case 'profile': return { result: profileOf() };
    case 'inspect': return { result: { kind: 'inspect', system: 'PostgreSQL 18.4', datasets: task.want === 'datasets' ? [{ name: 'public.flights', rows: 3, bytes: 8192 }] : [] } };
    case 'load': return { result: loadOf(2_984_094) };
    case 'publish': return { result: publishOf(2_984_094) };
    case 'quarantine': return { result: { kind: 'quarantine', groups: [], rows: [], next: null } };
    case 'reconcile': return { result: { kind: 'reconcile', sourceDigest: digest(2_984_094), targetDigest: digest(2_984_094), proofMs: 12 } };
    case 'sketch': return 'silent';
  }
};

/** A worker that answers by a script, over the same bus, messages and keys as a real one. */
export async function aScriptedWorker(bus: MessageBus, tenantId: string, answer: (command: Command) => Answer = obedient): Promise<ScriptedWorker> {
  const commands: Command[] = [];
  const cancels: Payload<'task.run.cancel-requested.v1'>[] = [];
  const report = async <T extends MessageType>(type: T, payload: Payload<T>): Promise<void> => {
    await bus.publish([wireMessage({ app: 'etl-worker', tenantId, type, payload: payload as Record<string, unknown>, at: new Date().toISOString() })]);
  };
  const work = async (command: Command): Promise<void> => {
    const said = answer(command);
    if (said === 'silent') return;
    const { runId, taskRunId, attempt } = command;
    await report('task.run.started.v1', { runId, taskRunId, attempt, worker: 'scripted' });
    if ('result' in said) await report('task.run.succeeded.v1', { runId, taskRunId, attempt, result: said.result });
    else await report('task.run.failed.v1', { runId, taskRunId, attempt, failure: toFailure(new EtlError(said.fails)) });
  };
  const subscription = await bus.subscribe('etl-worker', ['etl.task.commands'], async ({ headers, value }) => {
    const payload: unknown = JSON.parse(Buffer.from(value).toString());
    if (headers['ce_type'] === 'task.run.cancel-requested.v1') { cancels.push(payload as Payload<'task.run.cancel-requested.v1'>); return; }
    commands.push(payload as Command);
    await work(payload as Command);
  });
  return { commands, cancels, report, tenantId, close: () => subscription.close() };
}
