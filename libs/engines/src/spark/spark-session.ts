import { EtlError } from '@agent-etl/contracts';
import { type SafeSql, isSafeSql } from '@agent-etl/sql-safety';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { randomUUID } from 'node:crypto';
import type { EngineRow, QueryEngine } from '../query-engine.ts';
import { type SparkAddress, sparkAddress } from './address-rules.ts';
import { rowsOf } from './arrow-rows.ts';
import { ConnectChannel, type SparkCaller } from './connect-channel.ts';
import { ConfigRequestSchema, ConfigResponseSchema, InterruptRequestSchema, InterruptRequest_InterruptType, InterruptResponseSchema, ReleaseSessionRequestSchema, ReleaseSessionResponseSchema } from './messages/spark/connect/base_pb.ts';
import { runOperation } from './operation.ts';
import { differingPins, sparkPins } from './pins-rules.ts';
import { type SparkPlan, queryPlan, viewPlan, writePlan } from './plan-messages.ts';
import { OPENING } from './spark-failure-rules.ts';

type Operation = NonNullable<MessageInitShape<typeof ConfigRequestSchema>['operation']>;
const FIRST_MS = 20_000;
const SILENCE_MS = 60_000;
const RELEASE_MS = 5_000;
const USER = 'agent-etl';

/** @property url `sc://host:port`
 * @property token bearer token, or null for a server without one
 * @property sessionId one of an earlier attempt, to take up what it left; a new one when left out
 * @property silenceMs how long the server may be silent before it counts as gone, a minute when left out: a driver that collects garbage says nothing for many seconds */
export interface SparkOptions { readonly url: string; readonly token: string | null; readonly sessionId?: string; readonly silenceMs?: number }
/** Where a statement writes, and the id that its operation has on the server: chosen and stored before the call, so that whoever comes after a crash can take it up. */
export interface SparkWrite { readonly statement: SafeSql<'spark'>; readonly folder: string; readonly operationId: string; readonly signal?: AbortSignal | undefined }

/** One session on a Spark Connect server: for one attempt, with its pins said and read back before anything runs. Whatever happens it is released, or its views would stay on the server for an hour. */
export class SparkSession implements QueryEngine<'spark'> {
  readonly dialect = 'spark';
  readonly id: string;
  private readonly channel: ConnectChannel;
  private readonly silenceMs: number;
  private readonly firstMs: number;
  private serverSession: string | null = null;
  private isOver = false;

  private constructor(address: SparkAddress, { token, sessionId = randomUUID(), silenceMs = SILENCE_MS }: SparkOptions) {
    this.id = sessionId;
    this.channel = new ConnectChannel(address, token);
    this.silenceMs = silenceMs;
    this.firstMs = Math.min(FIRST_MS, silenceMs);
  }

  /** @throws EtlError `connection.unreachable`, `connection.auth-failed`, `connection.untrusted` when a pin is not what was set, `config.invalid` */
  static async open(options: SparkOptions): Promise<SparkSession> {
    const session = new SparkSession(sparkAddress(options.url), options);
    try {
      await session.pin();
    } catch (error) {
      await session.stop();
      throw error;
    }
    return session;
  }

  async query(statement: SafeSql<'spark'>, signal?: AbortSignal): Promise<readonly EngineRow[]> {
    const rows: EngineRow[] = [];
    for await (const { responseType } of this.run(queryPlan(proven(statement)), { phase: 'a query', signal })) if (responseType.case === 'arrowBatch') rows.push(...rowsOf(responseType.value.data));
    return rows;
  }
  /** Lets statements of this session read Parquet files by a name. The server opens them by the same paths. */
  async view(name: string, paths: readonly string[]): Promise<void> { await this.drain(this.run(viewPlan(name, paths), { phase: 'reading what was staged' })); }
  /** Writes the rows of a statement as Parquet into a folder, which it makes; a folder with `_SUCCESS` is whole. */
  async write({ statement, folder, operationId, signal }: SparkWrite): Promise<void> { await this.drain(this.run(writePlan(proven(statement), folder), { phase: 'the steps', operationId, signal })); }
  /** Waits for the end of an operation of an earlier attempt of this session. Throws as `write` does, and `connection.interrupted` when the server knows it no more. */
  async takeUp(operationId: string, signal?: AbortSignal): Promise<void> { await this.drain(this.run(null, { phase: 'the steps', operationId, signal })); }
  /** Ends whatever the session runs. */
  async interrupt(): Promise<void> {
    await this.channel.ask({ name: 'Interrupt', input: InterruptRequestSchema, output: InterruptResponseSchema }, { ...this.caller, interruptType: InterruptRequest_InterruptType.ALL }, RELEASE_MS).catch(() => undefined);
  }
  async stop(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    await this.channel.ask({ name: 'ReleaseSession', input: ReleaseSessionRequestSchema, output: ReleaseSessionResponseSchema }, this.caller, RELEASE_MS).catch(() => undefined);
    this.channel.close();
  }
  /** Lets go without releasing, as a killed process would: the operation goes on, for a next attempt to take up. */
  leave(): void {
    this.isOver = true;
    this.channel.close();
  }

  private get caller(): SparkCaller {
    return { sessionId: this.id, userContext: { userId: USER, userName: USER }, clientType: USER, ...(this.serverSession === null ? {} : { clientObservedServerSideSessionId: this.serverSession }) };
  }
  private async pin(): Promise<void> {
    await this.configure({ opType: { case: 'set', value: { pairs: Object.entries(sparkPins).map(([key, value]) => ({ key, value })) } } });
    const differing = differingPins(await this.configure({ opType: { case: 'get', value: { keys: Object.keys(sparkPins) } } }));
    if (differing.length) throw new EtlError('connection.untrusted', { connection: 'Spark', address: this.channel.address, reason: `its session does not keep ${differing.join(', ')}`, remedy: 'take these settings from the static configuration of its server' });
  }
  private async configure(operation: Operation): Promise<ReadonlyMap<string, string>> {
    try {
      const { pairs, serverSideSessionId } = await this.channel.ask({ name: 'Config', input: ConfigRequestSchema, output: ConfigResponseSchema }, { ...this.caller, operation }, this.firstMs);
      this.serverSession ??= serverSideSessionId;
      return new Map(pairs.map(({ key, value = '' }) => [key, value]));
    } catch (error) {
      throw await this.channel.failure(error, { caller: this.caller, phase: OPENING });
    }
  }
  private run(plan: SparkPlan | null, { operationId = randomUUID(), phase, signal }: { readonly operationId?: string; readonly phase: string; readonly signal?: AbortSignal | undefined }): ReturnType<typeof runOperation> {
    if (this.isOver) throw new EtlError('connection.interrupted', { connection: 'Spark', phase });
    return runOperation({ channel: this.channel, caller: this.caller }, { operationId, plan, phase, silenceMs: this.silenceMs, signal });
  }
  private async drain(answers: AsyncIterable<unknown>): Promise<void> { for await (const answer of answers) void answer; }
}

/** A look-alike is our own mistake, so it is no EtlError. */
function proven(statement: SafeSql<'spark'>): SafeSql<'spark'> {
  if (!isSafeSql(statement) || statement.dialect !== 'spark') throw new TypeError('engines run only what sql-safety compiled for spark');
  return statement;
}
