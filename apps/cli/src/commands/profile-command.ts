import { EtlError, type DatasetProfile, endpoints } from '@agent-etl/contracts';
import { profileScreen } from '../screens/profile-screen.ts';
import { type ExitCode, WrongUse, exitCodes } from '../session/exit-codes.ts';
import type { Session } from '../session/session.ts';
import { followRun, reportRun } from './follow-run.ts';
import { putProjectConnections } from './submit.ts';

/** A sketch of another shape than the one that was planned with last says little. */
const isCurrent = ({ sketch, catalogue, catalogueAt }: DatasetProfile): boolean =>
  sketch !== null && (catalogue === null || catalogue.fingerprint === sketch.fingerprint || (catalogueAt ?? '') < sketch.takenAt);

/** Shows what the values of a dataset are like. Where that is not known yet, or when asked again, a worker reads it first. */
export async function profileCommand(session: Session, id: string, { again }: { again?: boolean }): Promise<ExitCode> {
  if (!endpoints.getDatasetProfile.params.safeParse({ id }).success) throw new WrongUse(`${id} is no dataset.`, 'write connection.schema.table, or connection:path of a file');
  await putProjectConnections(session);
  const client = await session.client();
  const known = await client.call(endpoints.getDatasetProfile, { params: { id } });
  if (isCurrent(known) && !again) return show(session, id, known);
  const run = await client.call(endpoints.profileDataset, { params: { id } });
  const followed = await followRun(session, run.runId);
  if (followed.run.state !== 'succeeded') return reportRun(session, followed.run, followed.wasInterrupted);
  return show(session, id, await client.call(endpoints.getDatasetProfile, { params: { id } }));
}
function show({ output }: Session, name: string, profile: DatasetProfile): ExitCode {
  if (!profile.sketch) throw new EtlError('access.not-found', { what: 'profile', next: 'agent-etl profile DATASET --again' });
  output.result(profile, () => profileScreen(profile, { name, nowMs: Date.now() }));
  return exitCodes.green;
}
