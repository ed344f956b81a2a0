import type { ConnectionView, ConnectorView, DeadLetterView, InspectResult, PipelineView, RunView } from '@agent-etl/contracts';
import type { z } from 'zod';
import { table } from './layout.ts';
import { nowText } from './progress-screen.ts';
import { schedulesScreen } from './schedules-screen.ts';
import { agoText, betweenMs, bytesText, durationText, grouped } from './numbers.ts';

const none = (what: string): string[] => [` no ${what} yet`];
const rowsOf = (run: RunView): number => run.receipt?.written ?? Math.max(0, ...run.tasks.map(({ rows }) => rows));

export function runsScreen(runs: readonly RunView[], nowMs: number): string[] {
  if (runs.length === 0) return none('runs');
  const isLive = runs.some(({ finishedAt }) => finishedAt === null);
  const head = ['run', 'pipeline', 'state', ...(isLive ? ['now'] : []), 'rows', 'time', 'started'];
  return table(head, runs.map((run) => [run.runId, run.pipeline, run.state, ...(isLive ? [nowText(run)] : []), grouped(rowsOf(run)), timeOf(run, nowMs), agoText(run.startedAt, nowMs)]));
}
/** How long a run took, or has been going so far. */
function timeOf({ startedAt, finishedAt }: RunView, nowMs: number): string {
  if (startedAt === null) return '';
  return durationText(finishedAt ? betweenMs(startedAt, finishedAt) : Math.max(0, nowMs - Date.parse(startedAt)));
}

export const pipelinesScreen = (pipelines: readonly PipelineView[], nowMs: number): string[] => (pipelines.length === 0 ? none('pipelines')
  : [...table(['pipeline', 'from', 'to', 'last run', 'plan'], pipelines.map(({ name, spec, lastState, planId }) => [name,
    `${spec.from.connection}.${spec.from.dataset}`, `${spec.to.connection}.${spec.to.dataset}`, lastState ?? 'never', planId?.slice(0, 12) ?? 'none'])), ...schedulesScreen(pipelines, nowMs)]);

const placeOf = ({ spec }: ConnectionView): string => {
  if (spec.connector === 'file') return spec.root;
  if (spec.connector === 'sqlite') return `${spec.root}/${spec.file}`;
  return spec.url ?? `${spec.user ? `${spec.user}@` : ''}${spec.host ?? 'localhost'}:${spec.port ?? (spec.connector === 'mysql' ? 3306 : 5432)}/${spec.database ?? ''}`;
};
export const connectionsScreen = (connections: readonly ConnectionView[]): string[] => (connections.length === 0 ? none('connections')
  : table(['connection', 'connector', 'where', 'secret'], connections.map((connection) => [connection.name, connection.connector, placeOf(connection),
    'password' in connection.spec ? connection.spec.password ?? '' : ''])));

export const connectorsScreen = (connectors: readonly z.infer<typeof ConnectorView>[]): string[] =>
  table(['connector', 'read', 'write', 'reaches'], connectors.map(({ name, source, sink, says }) => [name, source ? 'yes' : 'no', sink ? 'yes' : 'no', says]));

export const datasetsScreen = ({ system, datasets }: InspectResult): string[] => [` ${system}`, ...(datasets.length === 0 ? none('datasets')
  : table(['dataset', 'rows', 'bytes'], datasets.map(({ name, rows, bytes }) => [name, rows === null ? '' : grouped(rows), bytes === null ? '' : bytesText(bytes)])))];

export const deadLettersScreen = (letters: readonly DeadLetterView[], nowMs: number): string[] => (letters.length === 0 ? [' no dead letters']
  : table(['id', 'service', 'type', 'code', 'tries', 'died'], letters.map(({ id, app, type, failure, tries, at }) => [id, app, type ?? 'unknown', failure.code, String(tries), agoText(at, nowMs)])));
