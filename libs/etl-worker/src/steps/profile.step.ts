import type { Profile, ProfileResult, ProfileTask } from '@agent-etl/contracts';
import type { StepContext } from './step-context.ts';

/** Looks at source and target from catalogues and statistics, both at once. */
export async function runProfile(context: StepContext, task: ProfileTask): Promise<ProfileResult> {
  const look = async ({ connection, dataset }: ProfileTask['source'], as: 'source' | 'target'): Promise<Profile> =>
    (await context.open(connection)).profile(dataset, as, as === 'source' ? task.bad : undefined);
  const [source, target] = await Promise.allSettled([look(task.source, 'source'), look(task.target, 'target')]);
  if (source.status === 'rejected') throw source.reason;
  if (target.status === 'rejected') throw target.reason;
  return { kind: 'profile', source: source.value, target: target.value };
}
