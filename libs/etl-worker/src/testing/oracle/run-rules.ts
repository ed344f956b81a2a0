import { type Receipt, type RunState, type TaskResult, type TaskRunState, canonicalJson, isFinal } from '@agent-etl/contracts';

export interface SaidOfRun { readonly type: string; readonly task: string | null; readonly attempt: number | null; readonly state: RunState | null }
export interface ShownRun { readonly state: RunState; readonly receipt: Receipt | null }
/** What the services know of one run. @property shown views of the live feed, in their order; `view` is the one that is asked for */
export interface RunFacts extends ShownRun {
  readonly runId: string; readonly planId: string | null; readonly isLate: boolean;
  readonly tasks: readonly { readonly taskRunId: string; readonly id: string; readonly kind: string; readonly state: TaskRunState; readonly attempt: number; readonly result: TaskResult | null }[];
  readonly events: readonly SaidOfRun[]; readonly view: ShownRun | null; readonly shown: readonly ShownRun[];
}
const isEnd = ({ type }: SaidOfRun): boolean => /^task\.run\.(succeeded|failed|cancelled)\./.test(type);
const isRequest = ({ type }: SaidOfRun): boolean => type === 'task.run.requested.v1';

/** The run has ended by its deadline, and came there by a legal path on which each message had one effect. */
export function ofRun({ state, isLate, tasks, events }: RunFacts): string[] {
  const open = tasks.filter((task) => ['waiting', 'ready', 'running'].includes(task.state));
  return [
    ...isFinal(state) ? [] : [`the run is ${state}`], ...isLate ? ['the run went on after its deadline'] : [], ...open.map(({ id, state: at }) => `${id} is ${at}`),
    ...state === 'succeeded' ? tasks.filter((task) => task.state !== 'succeeded').map(({ id, state: at }) => `green, and ${id} is ${at}`) : [],
    ...ofEnds(events, state), ...ofEffects(events), ...tasks.flatMap(({ id }) => ofTask(id, events.filter(({ task }) => task === id))),
  ];
}
function ofEnds(events: readonly SaidOfRun[], state: RunState): string[] {
  const ends = events.filter(({ type }) => type === 'run.finished.v1');
  const last = events.at(-1);
  return [
    ...events[0]?.type === 'run.started.v1' ? [] : [`began with ${events[0]?.type ?? 'nothing'}`], ...ends.length === 1 ? [] : [`said its end ${ends.length} times`],
    ...ends.length === 0 || last === ends.at(-1) ? [] : [`${last?.type} came after the end`], ...ends.every((end) => end.state === state) ? [] : [`said that it ${ends[0]?.state}, and is ${state}`],
  ];
}
/** A cancel may be told twice: to whoever runs, and to whoever has staged. */
function ofEffects(events: readonly SaidOfRun[]): string[] {
  const counts = new Map<string, number>();
  for (const { type, task, attempt } of events) if (task !== null && type !== 'task.run.cancel-requested.v1') counts.set(`${type} of ${task} ${attempt}`, (counts.get(`${type} of ${task} ${attempt}`) ?? 0) + 1);
  return [...counts].filter(([, n]) => n > 1).map(([what, n]) => `${what} had its effect ${n} times`);
}
/** Attempts follow each other one by one; each ends after it was asked for, and none is asked for after a success. */
function ofTask(id: string, events: readonly SaidOfRun[]): string[] {
  const faults: string[] = [];
  let [asked, hasSucceeded] = [0, false];
  for (const event of events) {
    if (isRequest(event) && event.attempt !== asked + 1) faults.push(`${id}: attempt ${event.attempt} after ${asked}`);
    if (isRequest(event) && hasSucceeded) faults.push(`${id}: attempt ${event.attempt} after it succeeded`);
    if (isRequest(event)) asked = event.attempt ?? asked;
    if (isEnd(event) && event.attempt !== asked) faults.push(`${id}: the end of attempt ${event.attempt} counted while ${asked} was asked for`);
    hasSucceeded ||= event.type === 'task.run.succeeded.v1';
  }
  return faults;
}

/** What is shown is what is so, and once it shows an end it shows that one. */
export function ofSignals({ state, receipt, view, shown }: RunFacts): string[] {
  const isSame = (seen: ShownRun): boolean => seen.state === state && canonicalJson(seen.receipt) === canonicalJson(receipt);
  const firstEnd = shown.findIndex((seen) => isFinal(seen.state));
  return [
    ...view && isSame(view) ? [] : [`the view shows ${view?.state ?? 'nothing'}${view?.receipt ? ' with a receipt' : ''}, and the run is ${state}`],
    ...firstEnd < 0 ? ['the live feed shows no end'] : shown.slice(firstEnd).every(isSame) ? [] : ['the live feed shows another end than the run has'],
  ];
}
