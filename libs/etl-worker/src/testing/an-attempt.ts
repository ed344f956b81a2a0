import { Connection, type LoadResult, LoadTask, type Progress, PublishTask, TaskCommand } from '@agent-etl/contracts';
import type { StoredCut } from '../chunks/chunks.repository.ts';
import { AttemptContext, type AttemptParts } from '../steps/attempt-context.ts';
import type { ScriptedStore } from './scripted-store.ts';

const column = { source: 'id', target: 'id', type: { kind: 'i64' as const }, sourceNative: 'bigint', targetNative: 'bigint', nullable: false };
export const connectionsOf = (...names: string[]): Connection[] =>
  names.map((name) => Connection.parse({ name, connector: 'postgres', host: 'localhost', database: name, user: 'etl' }));
export const aLoad = (over: Partial<LoadTask> = {}): LoadTask => LoadTask.parse({
  id: 'load_a', kind: 'load', engine: 'splice', source: { connection: 'from', dataset: 'public.a' }, target: { connection: 'into', dataset: 'public.b' },
  columns: [column], carrier: 'frames', chunks: { by: 'ctid', count: 4, parallel: 2, targetBytes: 1_000_000 }, sourceFingerprint: '0'.repeat(64), options: {}, digest: 'pg-frame', ...over });
export const aPublish = (over: Partial<PublishTask> = {}): PublishTask => PublishTask.parse({
  id: 'publish_a', kind: 'publish', engine: 'splice', load: 'load_a', source: { connection: 'from', dataset: 'public.a' }, target: { connection: 'into', dataset: 'public.b' },
  columns: [column], how: 'rename', key: ['id'], keyFromSource: true, level: 'full', digest: 'pg-frame', ...over });

export const aCommand = (task: TaskCommand['task'], over: Partial<Record<keyof TaskCommand, unknown>> = {}): TaskCommand => TaskCommand.parse({
  taskRunId: '00000000-0000-7000-8000-0000000000aa', runId: '00000000-0000-7000-8000-0000000000bb', planId: null, attempt: 1,
  task, connections: connectionsOf('from', 'into'), load: null, deadline: '2100-01-01T00:00:00.000Z', ...over });

/** One attempt without a state database: the cut lives here, as long as the test keeps it. */
export class AnAttempt {
  readonly progress: Progress[] = [];
  beats = 0;
  constructor(readonly store: ScriptedStore, readonly memory: { cut: StoredCut | null } = { cut: null }) {}

  context(command: TaskCommand, over: Partial<AttemptParts> = {}): AttemptContext {
    return new AttemptContext({
      command, worker: 'worker-1', signal: new AbortController().signal, beat: () => { this.beats += 1; return Promise.resolve(); },
      cuts: {
        find: () => Promise.resolve(this.memory.cut),
        replace: (cut) => { this.memory.cut = cut; return Promise.resolve(); },
        handOn: (snapshot) => { this.memory.cut = { ...this.memory.cut!, snapshot }; return Promise.resolve(); },
        forget: () => { this.memory.cut = null; return Promise.resolve(); },
      },
      report: (progress) => { this.progress.push(progress); }, connectors: { postgres: this.store.connector() },
      tools: () => Promise.resolve(undefined as never), dropScratch: () => Promise.resolve(), ...over,
    });
  }
  load(over: Partial<AttemptParts> = {}, attempt = 1, task = aLoad()): Promise<LoadResult> {
    return this.context(aCommand(task, { attempt }), over).run() as Promise<LoadResult>;
  }
}
