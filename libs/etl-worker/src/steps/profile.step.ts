import type { Profile, ProfileResult, ProfileTask } from '@agent-etl/contracts';
import type { StepContext } from './step-context.ts';

/** Looks at the source, the target and what steps read beside them from catalogues and statistics, all at once. */
export async function runProfile(context: StepContext, task: ProfileTask): Promise<ProfileResult> {
  const look = async ({ connection, dataset }: ProfileTask['source'], as: 'source' | 'target'): Promise<Profile> =>
    (await context.open(connection)).profile(dataset, as, as === 'source' ? task.bad : undefined);
  const beside = async (ref: ProfileTask['source']): Promise<Profile> => (await context.open(ref.connection)).profile(ref.dataset, 'source');
  const [source, target, ...others] = await Promise.allSettled([look(task.source, 'source'), look(task.target, 'target'), ...(task.others ?? []).map(beside)]);
  const ends = { source: valueOf(source), target: valueOf(target) };
  return { kind: 'profile', ...ends, ...(others.length ? { others: others.map(valueOf) } : {}) };
}

function valueOf(seen: PromiseSettledResult<Profile>): Profile {
  if (seen.status === 'rejected') throw seen.reason;
  return seen.value;
}
