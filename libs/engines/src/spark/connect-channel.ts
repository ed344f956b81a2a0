import { type DescMessage, type MessageInitShape, type MessageShape, create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client, type ClientReadableStream, Metadata, type ServiceError, credentials, status } from '@grpc/grpc-js';
import type { SparkAddress } from './address-rules.ts';
import { FetchErrorDetailsRequestSchema, FetchErrorDetailsResponseSchema } from './messages/spark/connect/base_pb.ts';
import { faultOf, firstThrowable } from './error-details.ts';
import { type SparkFault, sparkFailure } from './spark-failure-rules.ts';

const SERVICE = '/spark.connect.SparkConnectService/';
const LARGEST_MESSAGE = 128 * 1024 * 1024;
const DETAILS_MS = 5_000;

/** Whose session it is, as every request says it. */
export interface SparkCaller { readonly sessionId: string; readonly userContext: { readonly userId: string; readonly userName: string }; readonly clientType: string; readonly clientObservedServerSideSessionId?: string }
interface Call<I extends DescMessage, O extends DescMessage> { readonly name: string; readonly input: I; readonly output: O }

/** The calls of one session over one channel of gRPC. The token goes with each of them as a bearer token.
 * Protocol: spark/connect/base.proto of Spark 4.3. */
export class ConnectChannel {
  readonly address: string;
  private readonly client: Client;
  private readonly metadata = new Metadata();
  constructor({ host, port, tls }: SparkAddress, token: string | null) {
    this.address = `${host}:${port}`;
    if (token !== null) this.metadata.set('authorization', `Bearer ${token}`);
    this.client = new Client(this.address, tls === 'on' ? credentials.createSsl() : credentials.createInsecure(), { 'grpc.max_receive_message_length': LARGEST_MESSAGE, 'grpc.max_reconnect_backoff_ms': 2_000 });
  }

  /** One question, one answer.
   * @throws ServiceError of gRPC */
  ask<I extends DescMessage, O extends DescMessage>({ name, input, output }: Call<I, O>, request: MessageInitShape<I>, timeoutMs: number): Promise<MessageShape<O>> {
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(`${SERVICE}${name}`, (message: MessageShape<I>) => Buffer.from(toBinary(input, message)), (bytes: Buffer) => fromBinary(output, bytes), create(input, request), this.metadata,
        { deadline: Date.now() + timeoutMs }, (error, answer) => { if (error) reject(error); else resolve(answer as MessageShape<O>); });
    });
  }
  /** One question, a stream of answers that may break off. */
  stream<I extends DescMessage, O extends DescMessage>({ name, input, output }: Call<I, O>, request: MessageInitShape<I>): ClientReadableStream<MessageShape<O>> {
    return this.client.makeServerStreamRequest(`${SERVICE}${name}`, (message: MessageShape<I>) => Buffer.from(toBinary(input, message)), (bytes: Buffer) => fromBinary(output, bytes), create(input, request), this.metadata);
  }
  close(): void { this.client.close(); }

  /** What a failed call says. Its class may lie in the chain of causes, which the server tells when asked. */
  async fault(error: unknown, { caller, phase }: { readonly caller: SparkCaller; readonly phase: string }): Promise<SparkFault> {
    const { code = status.UNKNOWN } = error as Partial<ServiceError>;
    const { errorId, ...told } = faultOf(error);
    const base = { grpcCode: code, address: this.address, phase };
    if (errorId === null || (told.errorClass !== null && told.sqlState !== null && !told.sqlState.startsWith('22'))) return { ...base, ...told };
    const details = await this.ask({ name: 'FetchErrorDetails', input: FetchErrorDetailsRequestSchema, output: FetchErrorDetailsResponseSchema }, { ...caller, errorId }, DETAILS_MS).catch(() => null);
    return { ...base, ...told, ...(details ? firstThrowable(details) : {}) };
  }
  async failure(error: unknown, at: { readonly caller: SparkCaller; readonly phase: string }): Promise<Error> { return sparkFailure(await this.fault(error, at)); }
}
