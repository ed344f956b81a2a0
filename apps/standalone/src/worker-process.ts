import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { MessageBus, WireMessage } from '@agent-etl/messaging';
import type { Logins, Schema } from '@agent-etl/persistence';
import { type Shutdown, nodeFlags } from '@agent-etl/service-kit';

/** What the parent tells a worker process at its start. */
export interface WorkerOrders { readonly urls: Readonly<Partial<Record<Schema, Logins>>>; readonly projectDir: string; readonly env: Readonly<Record<string, string | undefined>>; readonly fileRoots: readonly string[] }
/** A message on its way to the parent's bus. */
export interface Published { readonly id: number; readonly messages: readonly (Omit<WireMessage, 'value'> & { readonly value: string })[] }
export interface Acknowledged { readonly id: number; readonly ok: boolean }

const againMs = 500;

/** Keeps one worker in a process of its own: it claims from the shared state and speaks through this process's bus. A killed one is replaced. */
export function keepWorkerProcess(orders: WorkerOrders, bus: MessageBus, shutdown: Shutdown): void {
  let child: ChildProcess | null = null;
  const forward = async (from: ChildProcess, { id, messages }: Published): Promise<void> => {
    const ok = await bus.publish(messages.map((message) => ({ ...message, value: Buffer.from(message.value, 'base64') }))).then(() => true, () => false);
    if (from.connected) from.send({ id, ok } satisfies Acknowledged);
  };
  const start = (): void => {
    const started = fork(join(import.meta.dirname, 'worker.main.js'), [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: nodeFlags });
    child = started;
    started.on('error', () => undefined); // it could not be told something: its exit follows, and that is acted upon
    started.send(orders);
    started.on('message', (said) => { void forward(started, said as Published); });
    started.on('exit', () => { if (!shutdown.isStopping) setTimeout(() => { if (!shutdown.isStopping) start(); }, againMs).unref(); });
  };
  shutdown.onStop('children', () => new Promise<void>((resolve) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) { resolve(); return; }
    child.once('exit', () => { resolve(); });
    child.kill('SIGTERM');
  }));
  start();
}
