import { EtlError, endpoints, isFinal } from '@agent-etl/contracts';
import { explainScreen } from '../screens/explain-screen.ts';
import { connectionsScreen, connectorsScreen, datasetsScreen, deadLettersScreen, pipelinesScreen, runsScreen } from '../screens/list-screens.ts';
import { printable } from '../screens/ansi.ts';
import { type ExitCode, WrongUse, exitCodes } from '../session/exit-codes.ts';
import type { Session } from '../session/session.ts';
import { findPlanOrRun, findRun } from './find-run.ts';
import { followRun, reportRun } from './follow-run.ts';

export async function runsCommand(session: Session, { limit, pipeline }: { limit?: string; pipeline?: string }): Promise<ExitCode> {
  const most = Number(limit ?? 20);
  if (!Number.isInteger(most) || most < 1 || most > 500) throw new WrongUse(`--limit ${limit ?? ''} is no number of runs.`, 'use 1 to 500');
  const client = await session.client();
  const page = await client.call(endpoints.listRuns, { query: { limit: most, ...(pipeline ? { pipeline } : {}) } });
  session.output.result(page, () => runsScreen(page.items, Date.now()));
  return exitCodes.green;
}
export async function pipelinesCommand(session: Session): Promise<ExitCode> {
  const client = await session.client();
  const page = await client.call(endpoints.listPipelines, { query: { limit: 500 } });
  const items = [...page.items];
  for (let { next } = page; next !== null;) {
    const more = await client.call(endpoints.listPipelines, { query: { limit: 500, cursor: next } });
    items.push(...more.items);
    next = more.next;
  }
  session.output.result({ items, next: null }, () => pipelinesScreen(items, Date.now()));
  return exitCodes.green;
}
export async function connectorsCommand(session: Session): Promise<ExitCode> {
  const page = await (await session.client()).call(endpoints.listConnectors);
  session.output.result(page, () => connectorsScreen(page.items));
  return exitCodes.green;
}
export async function connectionsCommand(session: Session): Promise<ExitCode> {
  const page = await (await session.client()).call(endpoints.listConnections);
  session.output.result(page, () => connectionsScreen(page.items));
  return exitCodes.green;
}
export async function testConnectionCommand(session: Session, name: string): Promise<ExitCode> {
  const result = await (await session.client()).call(endpoints.testConnection, { params: { name } });
  session.output.result(result, () => [` ${session.output.paint('green', 'ok')}      ${name} answers: ${printable(result.system)}`]);
  return exitCodes.green;
}
export async function datasetsCommand(session: Session, name: string): Promise<ExitCode> {
  const result = await (await session.client()).call(endpoints.listDatasets, { params: { name } });
  session.output.result(result, () => datasetsScreen(result));
  return exitCodes.green;
}
export async function explainCommand(session: Session, text: string): Promise<ExitCode> {
  const found = await findPlanOrRun(await session.client(), text);
  session.output.result(found, () => explainScreen(found, session.output.paint));
  return exitCodes.green;
}
/** Follows a run; without an id the one that moves now, else the latest. */
export async function watchCommand(session: Session, text: string | undefined): Promise<ExitCode> {
  const client = await session.client();
  const { items } = text ? { items: [await findRun(client, text)] } : await client.call(endpoints.listRuns, { query: { limit: 50 } });
  const run = items.find(({ state }) => !isFinal(state)) ?? items[0];
  if (!run) throw new EtlError('access.not-found', { what: 'run to watch', next: 'start one: agent-etl run' });
  session.output.note(` run     ${run.runId}   ${run.pipeline}`);
  const followed = await followRun(session, run.runId);
  return reportRun(session, followed.run, followed.wasInterrupted);
}
export async function listDeadLettersCommand(session: Session): Promise<ExitCode> {
  const page = await (await session.client()).call(endpoints.listDeadLetters, { query: { limit: 100 } });
  session.output.result(page, () => deadLettersScreen(page.items, Date.now()));
  return exitCodes.green;
}
export async function showDeadLetterCommand(session: Session, id: string): Promise<ExitCode> {
  if (!endpoints.getDeadLetter.params.safeParse({ id }).success) throw new EtlError('access.not-found', { what: `dead letter ${id}`, next: 'agent-etl dlq list' });
  const letter = await (await session.client()).call(endpoints.getDeadLetter, { params: { id } });
  session.output.result(letter, () => [
    ` ${letter.id}   ${letter.app}   ${letter.topic}/${letter.partition}/${letter.offset}   key ${printable(letter.key)}`,
    ` failed  ${letter.failure.code}: ${letter.failure.text}   after ${letter.tries} tries, ${letter.at}`,
    ...Object.entries(letter.headers).map(([name, value]) => `   ${printable(name)}: ${printable(value)}`),
    ` bytes   ${letter.bytes}`, `   ${printable(Buffer.from(letter.valueBase64, 'base64').toString('utf8').slice(0, 2000))}`]);
  return exitCodes.green;
}
