import { type Counted, EtlError, type LoadTask, type Transform } from '@agent-etl/contracts';
import { type SparkSession, openSpark } from '@agent-etl/engines';
import { type PrintedTransform, type SafeSql, type SqlFragment, compile, identifier, joinSql, nativeOf, printTransform, sqlFor, typeName } from '@agent-etl/sql-safety';
import { randomUUID } from 'node:crypto';
import { access, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConnectorTools, Reached, Source, SparkPlace } from '../port.ts';
import { folderOf, makeFolder } from './handover.ts';
import { stageInputs } from './staged-inputs.ts';

const sql = sqlFor('spark');
/** What Spark leaves when every part of a write is whole. */
const WHOLE = '_SUCCESS';
/** Names of what is staged: that of the source, then those of the datasets beside it. */
const viewOf = (index: number): string => (index === 0 ? 'staged' : `staged_${index}`);
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A session and an operation on Spark: chosen before anything is asked of it, stored as the picture that a load reads from, and so known to the next attempt. */
export interface SparkIds { readonly session: string; readonly operation: string }
export const newIds = (): SparkIds => ({ session: randomUUID(), operation: randomUUID() });
export const idsText = ({ session, operation }: SparkIds): string => `spark/${session}/${operation}`;
/** @returns null for what is none */
export function idsOf(text: string): SparkIds | null {
  const [kind, session = '', operation = ''] = text.split('/');
  return kind === 'spark' && UUID.test(session) && UUID.test(operation) ? { session, operation } : null;
}

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);
const nthOf = (columns: Transform['input'], from: string) => (name: string): SqlFragment<'spark'> => sql`${identifier(from)}.${identifier(`c${columns.findIndex((column) => column.name === name)}`)}`;
const printed = (transform: Transform): PrintedTransform<'spark'> => printTransform('spark', transform, {
  from: sql`${identifier(viewOf(0))} AS source`, column: nthOf(transform.input, 'source'),
  inputs: (transform.inputs ?? []).map(({ columns }, index) => ({ from: sql`${identifier(viewOf(index + 1))} AS other`, column: nthOf(columns, 'other') })) });
/** The columns of a task as c0, c1, …, each with the type that the task says. */
function statementOf({ columns, transform }: LoadTask & { readonly transform: Transform }): SafeSql<'spark'> {
  const { rows, names } = printed(transform);
  const list = columns.map(({ source, type }, index) => sql`CAST(${identifier(`c${names.indexOf(source)}`)} AS ${typeName('spark', nativeOf('spark', type) ?? 'STRING')}) AS ${identifier(`c${index}`)}`);
  return compile(sql`SELECT ${joinSql(list, sql`, `)} FROM (${rows}) AS stages`);
}

/** @property open the source behind a connection, for the datasets beside that of the task */
interface Parts { readonly source: Source; readonly open: (connection: string) => Promise<Source>; readonly task: LoadTask; readonly tools: ConnectorTools; readonly place: SparkPlace; readonly ids: SparkIds; readonly isTakenUp: boolean }
/** The rows that the steps of a task come to, computed on Spark: Parquet in a folder of its operation, in which the staged source lies too. What an earlier attempt computed, or still computes, is taken up. */
export class ComputedRows {
  private readonly parts: Parts;
  private readonly folder: string;
  private readonly transform: Transform;
  private session: SparkSession | null = null;
  private paths: readonly string[] | null = null;
  private combined: readonly Counted[] | null = null;
  constructor(parts: Parts) {
    const { transform } = parts.task;
    if (!transform) throw new TypeError('a task without steps');
    this.parts = parts;
    this.transform = transform;
    this.folder = folderOf(parts.place.folder, parts.ids.operation);
  }
  private inputAt(index: number): string { return join(this.folder, `${viewOf(index)}.parquet`); }
  private get output(): string { return join(this.folder, 'computed'); }

  /** Paths of the files, whole.
   * @throws EtlError of the source and of Spark; `source.snapshot-lost` when what an earlier attempt began is gone */
  async files(signal: AbortSignal): Promise<readonly string[]> {
    if (this.paths) return this.paths;
    if (this.parts.isTakenUp) await this.takeUp(signal);
    else await this.compute(signal);
    const names = await this.whole();
    if (!names) throw new EtlError('sink.reconcile-mismatch', { difference: `Spark says that it is done, and its files are not in ${this.parts.place.folder}`, next: 'see that ETL_ENGINES_SPARK_FOLDER is one folder under one path on the workers and on Spark' });
    return this.paths = names.map((name) => join(this.output, name));
  }
  /** Rows that the steps saw, those that their filters kept, and what joins and unions did.
   * @throws EtlError `data.join-multiplies`, `data.join-missed` */
  async reached(signal: AbortSignal): Promise<Reached> {
    const session = await this.seeing();
    const [found] = await session.query(compile(printed(this.transform).reaching), signal);
    const combined = await this.counted(session, signal);
    return { seen: Number(found?.['seen']), kept: Number(found?.['kept']), ...(combined.length ? { combined } : {}) };
  }
  /** Lets go of it all. */
  async drop(): Promise<void> {
    await this.session?.stop();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
  /** Leaves it for a next attempt. */
  leave(): void { this.session?.leave(); }

  /** A join that finds more than it may is found out before it is computed. */
  private async compute(signal: AbortSignal): Promise<void> {
    const { source, open, task, tools, place, ids } = this.parts;
    await this.opened(); // a server that is away is known before anything is staged
    await makeFolder(place.folder, ids.operation);
    await stageInputs({ source, open, task, pathOf: (index) => this.inputAt(index), scratch: tools.scratch, signal });
    const session = await this.seeing();
    await this.counted(session, signal);
    await session.write({ statement: statementOf({ ...task, transform: this.transform }), folder: this.output, operationId: ids.operation, signal });
  }
  /** A session that sees what was staged. */
  private async seeing(): Promise<SparkSession> {
    const session = await this.opened();
    for (const index of [0, ...(this.transform.inputs ?? []).map((_, nth) => nth + 1)]) await session.view(viewOf(index), [this.inputAt(index)]);
    return session;
  }
  private async counted(session: SparkSession, signal: AbortSignal): Promise<readonly Counted[]> {
    if (this.combined) return this.combined;
    const combined: Counted[] = [];
    for (const { counted, read } of printed(this.transform).combining) combined.push(read((await session.query(compile(counted), signal))[0] ?? {}));
    return this.combined = combined;
  }
  private async takeUp(signal: AbortSignal): Promise<void> {
    if (await this.whole()) return;
    try {
      await (await this.opened()).takeUp(this.parts.ids.operation, signal);
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof EtlError && cause.code === 'connection.interrupted') throw new EtlError('source.snapshot-lost', {}, { cause });
      throw cause;
    }
  }
  /** Names of the files in their order, or null until the last of them is whole. */
  private async whole(): Promise<string[] | null> {
    if (!await exists(join(this.output, WHOLE))) return null;
    return (await readdir(this.output)).filter((name) => name.endsWith('.parquet')).sort();
  }
  private async opened(): Promise<SparkSession> {
    const { place: { url, token }, tools, ids } = this.parts;
    return this.session ??= await openSpark({ url, sessionId: ids.session, token: token === null ? null : (await tools.secrets.get(token)).use((value) => value) });
  }
}
