import type { PipelineView, ScheduleView, SlotView } from '@agent-etl/contracts';
import type { Tone } from './run-words.ts';

export interface Scheduled { readonly name: string; readonly schedule: ScheduleView }
/** Behind every instant. */
const LAST = '9999';
type At = (instant: string) => string;

/** Those with a schedule, the one that is due first first; paused ones and those that never come again last. */
export const scheduledOf = (pipelines: readonly PipelineView[]): Scheduled[] => pipelines.flatMap(({ name, schedule }) => (schedule ? [{ name, schedule }] : []))
  .sort((a, b) => (a.schedule.nextAt ?? LAST).localeCompare(b.schedule.nextAt ?? LAST) || a.name.localeCompare(b.name));
export const nextOf = ({ nextAt, pausedBy }: ScheduleView, at: At): string => (pausedBy !== null ? `paused by ${pausedBy}` : nextAt === null ? 'never' : at(nextAt));
export const latestOf = ({ slot, outcome, missed }: SlotView, at: At): string => `${outcome} ${at(slot)}${missed > 0 ? `, ${missed} missed before it` : ''}`;
export const toneOfSlot = ({ outcome }: SlotView): Tone => (outcome === 'started' ? 'ok' : outcome === 'failed' ? 'bad' : 'idle');
