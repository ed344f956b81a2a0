import type { PipelineView, ScheduleView, SlotView } from '@agent-etl/contracts';
import { labelled, table } from './layout.ts';
import { agoText, grouped, inText } from './numbers.ts';

interface Scheduled { readonly name: string; readonly schedule: ScheduleView }
const scheduledOf = (pipelines: readonly PipelineView[]): Scheduled[] => pipelines.flatMap(({ name, schedule }) => (schedule ? [{ name, schedule }] : []));
const nextText = ({ nextAt, pausedBy }: ScheduleView, nowMs: number): string => (pausedBy !== null ? `paused by ${pausedBy}` : nextAt === null ? 'never' : inText(nextAt, nowMs));
/** At this count the counting of missed slots ends. */
const mostMissed = 1000;
const missedText = ({ missed }: SlotView): string => (missed === 0 ? '' : `, ${grouped(missed)}${missed >= mostMissed ? ' or more' : ''} missed before it`);
const lastText = (slot: SlotView | null, nowMs: number): string => (slot ? `${slot.outcome} ${agoText(slot.slot, nowMs)}${missedText(slot)}` : 'none yet');

/** When each pipeline that has a schedule is due next, and what became of its latest slot; below, why a slot has no run. */
export function schedulesScreen(pipelines: readonly PipelineView[], nowMs: number): string[] {
  const scheduled = scheduledOf(pipelines);
  if (scheduled.length === 0) return [];
  const rows = scheduled.map(({ name, schedule }) => [name, `${schedule.cron} ${schedule.timezone ?? 'UTC'}`, nextText(schedule, nowMs), lastText(schedule.lastSlot, nowMs)]);
  const reasons = scheduled.flatMap(({ name, schedule: { lastSlot } }) => (lastSlot?.failure ? labelled(name, `${lastSlot.outcome}: ${lastSlot.failure.text}`, { width: name.length }) : []));
  return ['', ...table(['pipeline', 'schedule', 'next', 'last slot'], rows), ...reasons];
}
