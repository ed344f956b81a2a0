import type { Decision, Pipeline, Schedule } from '@agent-etl/contracts';
import { type CopyInput, decide } from '../decide.ts';

/** Who runs one plan many times; null when each run is planned for itself. */
export const repeatedBy = ({ runOn, schedule }: Pick<Pipeline, 'runOn' | 'schedule'>): 'Airflow' | 'its schedule' | null =>
  (runOn === 'airflow' ? 'Airflow' : schedule ? 'its schedule' : null);
const inWords = ({ cron, timezone = 'UTC' }: Schedule): string => `${cron} (${timezone})`;

/** Who decides when tasks start and, where workers do, what a slot of the schedule means. */
export function ruleDriver({ pipeline: { runOn, schedule } }: CopyInput): Decision[] {
  if (runOn === 'airflow') {
    return [decide('driver', 'airflow', { by: 'person', why: ['asked', schedule ? `Airflow starts it: ${inWords(schedule)}.` : 'Airflow starts it.'], rejected: [['workers', 'Two clocks would start it twice.']] })];
  }
  const by = runOn ? 'person' : 'rules';
  const rejected: [[string, string]] = [['airflow', 'Nothing asks for it: runOn is not airflow.']];
  if (!schedule) return [decide('driver', 'workers', { by, why: ['no-schedule', 'It runs when it is asked to; a DAG is rendered to look at.'], rejected })];
  return [
    decide('driver', 'workers', { by, why: ['scheduled', `The built-in ticker starts it: ${inWords(schedule)}.`], rejected }),
    decide('schedule', inWords(schedule), { by: 'person', why: ['latest-slot-only', 'One run of this plan per slot. After a time without anybody only the latest slot is run; one that comes while a run goes on is left out.'],
      rejected: [['every missed slot', 'Each run reads the source in full: the latest brings all that the others would.']] })];
}
