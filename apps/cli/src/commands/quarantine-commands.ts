import { writeFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { Client } from '@agent-etl/api-client';
import { EtlError, type Pipeline, PipelineName, type QuarantineGroup, type QuarantinedRow, RunId, endpoints } from '@agent-etl/contracts';
import { derivePipeline } from '../addresses/derive-pipeline.ts';
import { quarantineScreen, quarantinedScreen } from '../screens/quarantine-screens.ts';
import { type ExitCode, WrongUse, exitCodes } from '../session/exit-codes.ts';
import { readText } from '../session/read-text.ts';
import type { Session } from '../session/session.ts';
import { exportedLines, missingRows, replayOf } from './exported-rows.ts';
import { latestPlan } from './find-plan.ts';
import { findRun } from './find-run.ts';
import { requestRun } from './plan-and-run.ts';
import { replayPipeline, typesBefore } from './replay-rules.ts';
import { putDerivedConnections } from './submit.ts';

interface Of { readonly pipeline: string; readonly run: RunId | null }
const nameFrom = (text: string): string => {
  const name = PipelineName.safeParse(text);
  if (!name.success) throw new WrongUse(`"${text}" is neither a pipeline nor a run.`, 'agent-etl quarantine list');
  return name.data;
};
/** A pipeline by its name, or one run of it by its id. */
async function meant(client: Client, text: string): Promise<Of> {
  if (!RunId.safeParse(text).success) return { pipeline: nameFrom(text), run: null };
  const { runId, pipeline } = await findRun(client, text);
  return { pipeline: nameFrom(pipeline), run: runId };
}
async function groupsOf(client: Client, { pipeline, run }: Of): Promise<QuarantineGroup[]> {
  return (await client.call(endpoints.readQuarantine, { query: { pipeline, want: 'groups', limit: 200, ...(run ? { run } : {}) } })).groups;
}
async function rowsOf(client: Client, { pipeline, run }: Of, { waiting, most }: { waiting: 'only' | 'all'; most: number }): Promise<QuarantinedRow[]> {
  const rows: QuarantinedRow[] = [];
  for (let after: number | null = 0; after !== null && rows.length < most;) {
    const page: { rows: QuarantinedRow[]; next: number | null } = await client.call(endpoints.readQuarantine, { query: { pipeline, want: 'rows', waiting, after, limit: Math.min(200, most - rows.length), ...(run ? { run } : {}) } });
    rows.push(...page.rows);
    after = page.next;
  }
  return rows;
}
/** Pipelines that may have set rows aside. */
async function settingAside(client: Client): Promise<Pipeline[]> {
  const found: Pipeline[] = [];
  for (let cursor: string | null | undefined = undefined; cursor !== null;) {
    const page: { items: { spec: Pipeline }[]; next: string | null } = await client.call(endpoints.listPipelines, { query: { limit: 500, ...(cursor ? { cursor } : {}) } });
    found.push(...page.items.map(({ spec }) => spec).filter(({ onFail }) => typeof onFail === 'object'));
    cursor = page.next;
  }
  return found;
}

export async function listQuarantineCommand(session: Session, text: string | undefined): Promise<ExitCode> {
  const client = await session.client();
  const asked = text === undefined ? (await settingAside(client)).map(({ name }): Of => ({ pipeline: nameFrom(name), run: null })) : [await meant(client, text)];
  const items: QuarantineGroup[] = [];
  for (const of of asked) items.push(...await groupsOf(client, of));
  session.output.result({ items }, () => quarantineScreen(items, Date.now()));
  return exitCodes.green;
}
const MOST_SHOWN = 500;
export async function showQuarantineCommand(session: Session, text: string, { waiting, limit = '20' }: { waiting?: boolean; limit?: string }): Promise<ExitCode> {
  const most = Number(limit);
  if (!Number.isInteger(most) || most < 1 || most > MOST_SHOWN) throw new WrongUse(`--limit ${limit} is no number of rows.`, `use 1 to ${MOST_SHOWN}; all of them: agent-etl quarantine export ${text}`);
  const client = await session.client();
  const items = await rowsOf(client, await meant(client, text), { waiting: waiting ? 'only' : 'all', most });
  session.output.result({ items }, () => quarantinedScreen(items));
  return exitCodes.green;
}
/** How a pipeline loads, and which of the runs that set rows aside have published; one that nobody knows any more is taken for one that has. */
async function published(client: Client, of: Of, rows: readonly QuarantinedRow[]): Promise<Parameters<typeof missingRows>[1]> {
  const { spec } = await client.call(endpoints.getPipeline, { params: { name: nameFrom(of.pipeline) } });
  const red = new Set<string>();
  for (const runId of new Set(rows.map((row) => row.runId))) {
    const run = await client.call(endpoints.getRun, { params: { runId } }).catch((error: unknown) => { if (error instanceof EtlError && error.code === 'access.not-found') return null; throw error; });
    if (run && run.state !== 'succeeded') red.add(runId);
  }
  return { load: spec.to.load, isGreen: (runId) => !red.has(runId) };
}
/** Writes the rows that wait, one per line, for a person to mend. */
export async function exportQuarantineCommand(session: Session, text: string, { out }: { out?: string }): Promise<ExitCode> {
  const client = await session.client();
  const of = await meant(client, text);
  const waiting = await rowsOf(client, of, { waiting: 'only', most: Infinity });
  const rows = missingRows(waiting, await published(client, of, waiting));
  if (!rows.length) throw new EtlError('access.not-found', { what: `row of ${of.pipeline} in quarantine that waits beside what a green run has published`, next: `agent-etl quarantine list ${of.pipeline}` });
  const file = out ?? `${of.pipeline}.quarantine.ndjson`;
  if (!/\.(ndjson|jsonl)$/.test(file)) throw new WrongUse(`${file} does not say how it is written.`, `agent-etl quarantine export ${text} --out ${file}.ndjson`);
  await writeFile(resolve(session.cwd, file), exportedLines(rows), { mode: 0o600 });
  session.output.result({ file, rows: rows.length }, () => [` ${rows.length} rows in ${file}`, ` next    mend them there, then: agent-etl quarantine replay ${file}`]);
  return exitCodes.green;
}
/** Loads mended rows into the target of their pipeline, judged by its checks, as a run with its own receipt. */
export async function replayQuarantineCommand(session: Session, file: string): Promise<ExitCode> {
  if (!/\.(ndjson|jsonl)$/.test(file)) throw new WrongUse(`${file} is no file of rows.`, 'make one with: agent-etl quarantine export PIPELINE');
  const replay = replayOf(file, await readText(file, session));
  const { pipeline: name } = replay;
  const client = await session.client();
  const { spec } = await client.call(endpoints.getPipeline, { params: { name: nameFrom(name) } });
  if (/\.(csv|tsv|ndjson|jsonl|json|parquet)(\.gz|\.zst)?$/i.test(spec.to.dataset)) throw new EtlError('request.unsupported', { found: `bringing rows back into ${spec.to.dataset}`, allowed: `the source: mend the rows there, then: agent-etl run ${name}; a finished file takes no rows` });
  const path = resolve(session.cwd, file);
  const { pipeline: { from }, connections } = derivePipeline({ from: `${dirname(path)}/${basename(path)}`, to: path }, session);
  await putDerivedConnections(session, connections.filter((connection) => connection.name === from.connection));
  const { items } = await client.call(endpoints.listConnections, {});
  const pipeline = replayPipeline(spec, { from, replay, types: typesBefore(spec.steps?.length ? await latestPlan(client, name) : null), isFile: items.some((each) => each.name === spec.from.connection && each.connector === 'file') });
  return requestRun(session, { pipeline });
}
