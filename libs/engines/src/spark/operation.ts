import type { ClientReadableStream } from '@grpc/grpc-js';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigRequestSchema, ConfigResponseSchema, type ExecutePlanResponse, ExecutePlanRequestSchema, ExecutePlanResponseSchema, InterruptRequestSchema, InterruptRequest_InterruptType, InterruptResponseSchema,
  ReattachExecuteRequestSchema, ReleaseExecuteRequestSchema, ReleaseExecuteResponseSchema } from './messages/spark/connect/base_pb.ts';
import type { ConnectChannel, SparkCaller } from './connect-channel.ts';
import type { SparkPlan } from './plan-messages.ts';
import { isBroken, isOperationUnknown, sparkFailure } from './spark-failure-rules.ts';

const CALL_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** How often an interrupt is said again while the operation does not end, and how long. */
const INTERRUPT_EVERY_MS = 500;
const INTERRUPT_MS = 5_000;

/** @property plan what to run, or null to take up an operation that runs already
 * @property silenceMs how long the server may be silent before it counts as gone */
export interface OperationAsk { readonly operationId: string; readonly plan: SparkPlan | null; readonly silenceMs: number; readonly phase: string; readonly signal?: AbortSignal | undefined }
interface Ends { readonly channel: ConnectChannel; readonly caller: SparkCaller }

/** Runs one operation and yields its answers. It lives on the server, so a stream that breaks is taken up behind the last answer that came; a stream that ends is not the end either until the server has
 * said so (it closes each after two minutes). A server that does not answer beside it for `silenceMs` counts as gone, however open its connection looks.
 * What it holds on the server is let go in any case.
 * @throws EtlError by `sparkFailure`; the signal's reason when it aborts, once the operation has been interrupted */
export async function* runOperation(ends: Ends, ask: OperationAsk): AsyncGenerator<ExecutePlanResponse> {
  ask.signal?.throwIfAborted();
  const operation = new Operation(ends, ask);
  try {
    yield* operation.answers();
  } finally {
    operation.letGo();
  }
}

class Operation {
  private readonly ends: Ends;
  private readonly ask: OperationAsk;
  private readonly watchdog: NodeJS.Timeout;
  private readonly onAbort = (): void => { void this.interrupt(); };
  private stream: ClientReadableStream<ExecutePlanResponse> | null = null;
  private lastResponseId: string | null = null;
  private heardAt = performance.now();
  private isOver = false;
  private isSilent = false;
  constructor(ends: Ends, ask: OperationAsk) {
    this.ends = ends;
    this.ask = ask;
    this.watchdog = setInterval(() => { void this.listen(); }, Math.max(50, ask.silenceMs / 4)).unref();
    ask.signal?.addEventListener('abort', this.onAbort, { once: true });
  }

  async *answers(): AsyncGenerator<ExecutePlanResponse> {
    let pauseMs = FIRST_PAUSE_MS;
    for (let send: 'first' | 'again' = this.ask.plan ? 'first' : 'again'; ;) {
      try {
        for await (const answer of this.open(send)) {
          this.heardAt = performance.now();
          pauseMs = FIRST_PAUSE_MS;
          this.lastResponseId = answer.responseId;
          if (answer.responseType.case === 'resultComplete') return;
          yield answer;
        }
        send = 'again';
      } catch (error) {
        send = await this.afterBreak(error);
        await sleep(pauseMs * (0.75 + Math.random() / 2));
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  }
  letGo(): void {
    this.isOver = true;
    clearInterval(this.watchdog);
    this.ask.signal?.removeEventListener('abort', this.onAbort);
    this.stream?.cancel();
    const { channel, caller } = this.ends;
    channel.ask({ name: 'ReleaseExecute', input: ReleaseExecuteRequestSchema, output: ReleaseExecuteResponseSchema }, { ...caller, operationId: this.ask.operationId, release: { case: 'releaseAll', value: {} } }, CALL_MS).catch(() => undefined);
  }

  private open(send: 'first' | 'again'): ClientReadableStream<ExecutePlanResponse> {
    const { channel, caller } = this.ends;
    const { operationId, plan } = this.ask;
    const output = ExecutePlanResponseSchema;
    this.stream = send === 'first' && plan
      ? channel.stream({ name: 'ExecutePlan', input: ExecutePlanRequestSchema, output }, { ...caller, operationId, plan, requestOptions: [{ requestOption: { case: 'reattachOptions', value: { reattachable: true } } }] })
      : channel.stream({ name: 'ReattachExecute', input: ReattachExecuteRequestSchema, output }, { ...caller, operationId, ...(this.lastResponseId === null ? {} : { lastResponseId: this.lastResponseId }) });
    return this.stream;
  }
  /** How to go on after a stream broke, or throws why not. */
  private async afterBreak(error: unknown): Promise<'first' | 'again'> {
    const { signal, plan, phase } = this.ask;
    const { channel, caller } = this.ends;
    signal?.throwIfAborted();
    const fault = await channel.fault(error, { caller, phase });
    signal?.throwIfAborted();
    const isLate = this.isSilent || performance.now() - this.heardAt > this.ask.silenceMs;
    if (isLate && isBroken(fault.grpcCode)) throw sparkFailure({ ...fault, grpcCode: 14, errorClass: null });
    if (isOperationUnknown(fault.errorClass) && plan && this.lastResponseId === null) return 'first'; // the request never arrived
    if (!isBroken(fault.grpcCode)) throw sparkFailure(fault);
    return 'again';
  }
  /** Asks something small beside the operation: a long statement says nothing for minutes, and a connection that nobody answers looks the same. */
  private async listen(): Promise<void> {
    const { channel, caller } = this.ends;
    try {
      await channel.ask({ name: 'Config', input: ConfigRequestSchema, output: ConfigResponseSchema }, { ...caller, operation: { opType: { case: 'get', value: { keys: ['spark.sql.ansi.enabled'] } } } }, this.ask.silenceMs);
      this.heardAt = performance.now();
    } catch {
      if (this.isOver || performance.now() - this.heardAt <= this.ask.silenceMs) return;
      this.isSilent = true;
      this.stream?.cancel();
    }
  }
  /** A server that is still planning a statement does not hear the first interrupt. */
  private async interrupt(): Promise<void> {
    const { channel, caller } = this.ends;
    for (const end = performance.now() + INTERRUPT_MS; !this.isOver && performance.now() < end; await sleep(INTERRUPT_EVERY_MS)) {
      await channel.ask({ name: 'Interrupt', input: InterruptRequestSchema, output: InterruptResponseSchema }, { ...caller, interruptType: InterruptRequest_InterruptType.OPERATION_ID, interrupt: { case: 'operationId', value: this.ask.operationId } }, INTERRUPT_EVERY_MS * 4)
        .catch(() => undefined);
    }
    if (!this.isOver) this.stream?.cancel();
  }
}
