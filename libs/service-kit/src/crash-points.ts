/** Places where a crash is interesting: just before or after something becomes durable. Each is used exactly once. */
export const crashPoints = [
  'request.validated', 'request.tx-open', 'request.row-written', 'request.committed',
  'planning.before-model', 'planning.plan-stored',
  'runs.inbox-written', 'runs.state-saved', 'runs.outbox-written', 'runs.committed', 'runs.before-final', 'runs.after-final',
  'sweep.marked', 'schedule.slot-taken', 'schedule.slot-settled', 'relay.read', 'relay.produced', 'relay.marked',
  'task.received', 'task.inserted', 'task.claimed', 'task.beat',
  'source.opened', 'source.half-read', 'transform.done', 'staging.created', 'fence.raised',
  'sink.fence-held', 'sink.ledger-row', 'sink.half-copy', 'sink.copied', 'sink.aside-written', 'sink.before-commit', 'sink.after-commit',
  'report.written', 'reconcile.counted', 'publish.half-swap', 'publish.compared', 'publish.applied', 'publish.committed', 'backfill.slice-settled', 'backfill.slice-started', 'cleanup.half',
  'dag.rendered', 'dag.temp-written', 'dag.renamed', 'projection.upserted', 'alert.written',
] as const;
export type CrashPoint = (typeof crashPoints)[number];

/** What an armed point does to the process: end it, or let it sleep until somebody sends SIGCONT, as a machine does that was suspended. */
const ends = { kill: 'SIGKILL', stop: 'SIGSTOP' } as const;
export type CrashOrder = `${CrashPoint}:${number}` | `${CrashPoint}:${number}:${keyof typeof ends}`;
const armed = { point: null as CrashPoint | null, passesLeft: 0, by: 'SIGKILL' as (typeof ends)[keyof typeof ends] };

/** Makes the n-th pass of a point kill this process, or stop it where it is. Tests only: nothing else calls it.
 * @param text `point:pass`, such as `sink.after-commit:3`, with `:stop` behind it for a sleep; empty disarms
 * @throws TypeError for an unknown point, a pass below 1 or another end */
export function armCrash(text: string): void {
  const [point = '', pass = '1', end = 'kill'] = text.split(':');
  if (text === '') { armed.point = null; return; }
  const known = crashPoints.find((name) => name === point);
  if (!known || !/^[1-9]\d*$/.test(pass) || !(end === 'kill' || end === 'stop')) throw new TypeError(`no such crash point: ${text}`);
  Object.assign(armed, { point: known, passesLeft: Number(pass), by: ends[end] });
}

/** Says that the process passes a crash point. Does nothing unless a test armed it. */
export function crashPoint(point: CrashPoint): void {
  if (armed.point !== point) return;
  armed.passesLeft -= 1;
  if (armed.passesLeft === 0) process.kill(process.pid, armed.by);
}
