import { type BackfillRequest, type BackfillView, EtlError, type RunState } from '@agent-etl/contracts';
import { later } from '../runs/instant-rules.ts';

/** Sub-slices of one backfill at most: each is a run of its own. */
export const MOST_SLICES = 500;
const HOUR_MS = 3_600_000;
const UNIT_MS = { h: HOUR_MS, d: 24 * HOUR_MS, w: 7 * 24 * HOUR_MS } as const;

export interface Part { readonly from: string; readonly to: string }
/** An instant as the database writes it: UTC, milliseconds. A day begins at midnight UTC. */
function instantOf(text: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return `${text}T00:00:00.000Z`;
  const [, date = '', time = '', seconds = ':00', fraction = '', offset = ''] = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(:\d{2})?(\.\d+)?(Z|[+-]\d{2}:?\d{2})$/.exec(text) ?? [];
  if (/^\.\d{3}\d*[1-9]/.test(fraction)) throw wrong('from', 'a slice begins and ends at a whole millisecond');
  const utc = `${date}T${time}${seconds}${fraction ? fraction.slice(0, 4).padEnd(4, '0') : '.000'}Z`;
  if (offset === 'Z') return utc;
  const [, sign = '+', hours = '0', minutes = '0'] = /^([+-])(\d{2}):?(\d{2})$/.exec(offset) ?? [];
  return later(utc, (sign === '+' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000);
}
const wrong = (field: string, problem: string): EtlError => new EtlError('request.invalid', { pointer: `/${field}`, problem });

/** The sub-slices of a request, half-open and without a gap. @throws EtlError `request.invalid` */
export function partsOf({ from, to, step }: BackfillRequest): Part[] {
  const [begin, end] = [instantOf(from), instantOf(to)];
  if (begin >= end) throw wrong('to', `the slice [${begin}, ${end}) is empty`);
  if (step === undefined) return [{ from: begin, to: end }];
  const stepMs = Number(step.slice(0, -1)) * UNIT_MS[step.slice(-1) as keyof typeof UNIT_MS];
  const parts: Part[] = [];
  for (let at = begin; at < end; at = parts.at(-1)!.to) {
    if (parts.length === MOST_SLICES) throw wrong('step', `${step} cuts the slice into more than ${MOST_SLICES} runs; take a longer one, or a shorter slice`);
    const next = later(at, stepMs);
    parts.push({ from: at, to: next < end ? next : end });
  }
  return parts;
}

type State = BackfillView['state'];
/** What a slice is once its run is. */
export const sliceState = (run: RunState): State => (run === 'succeeded' || run === 'failed' || run === 'cancelled' ? run : 'running');
/** What a backfill is by its slices: the first that did not end well ends it. */
export function backfillState(slices: readonly { readonly state: State }[]): State {
  const broken = slices.find(({ state }) => state === 'failed' || state === 'cancelled');
  if (broken) return broken.state;
  if (slices.every(({ state }) => state === 'succeeded')) return 'succeeded';
  return slices.some(({ state }) => state === 'running') ? 'running' : 'waiting';
}
export const isOver = (state: State): boolean => state !== 'waiting' && state !== 'running';
/** The slice whose turn it is: the first that waits, unless one runs or has gone wrong. */
export const nextSlice = <T extends { readonly state: State }>(slices: readonly T[]): T | null => (backfillState(slices) === 'waiting' ? slices.find(({ state }) => state === 'waiting') ?? null : null);
