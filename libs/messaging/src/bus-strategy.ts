import { type App, type MessageType, messages, readBy } from '@agent-etl/contracts';
import type { StateDatabase } from '@agent-etl/persistence';
import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import { Delivery } from './delivery.ts';
import type { OnDeadLetter, OnGivenUp } from './given-up.ts';
import { transportOf } from './handles.ts';
import type { Closable, MessageBus } from './message-bus.ts';
import type { MessageMeta } from './message-headers.ts';
import type { Outbox } from './outbox.ts';
import { ParkedRetrier } from './parked-retrier.ts';

export interface BusStrategyOptions<A extends App> {
  readonly app: A; readonly bus: MessageBus; readonly state: StateDatabase; readonly outbox: Outbox<A>; readonly onGivenUp?: OnGivenUp; readonly onDeadLetter?: OnDeadLetter;
}

/** Topics that a service reads, as the catalogue names them. */
export const topicsReadBy = (app: App): string[] => [...new Set(readBy(app).map((type) => messages[type].topic))];

/** Nest's transport of one service on the message bus: retry, inbox and dead letters are ours, handlers are ordinary Nest handlers. */
export class BusStrategy<A extends App> extends Server implements CustomTransportStrategy {
  override propagatesEventHandlerErrors = true;
  override readonly transportId: symbol;
  #subscription: Promise<Closable> | undefined;
  #retrier: ParkedRetrier | undefined;
  constructor(private readonly options: BusStrategyOptions<A>) {
    super();
    this.transportId = transportOf(options.app);
    options.bus.expect?.(options.app, topicsReadBy(options.app)); // before any relay of this process sends: a row is sent only when its readers took it
  }

  override addHandler(...given: Parameters<Server['addHandler']>): void {
    const [pattern] = given;
    if (this.messageHandlers.has(String(pattern))) throw new Error(`${this.options.app} handles ${String(pattern)} twice`);
    super.addHandler(...given);
  }

  listen(done: (error?: unknown) => void): void { this.#start().then(() => { done(); }, done); }
  async #start(): Promise<void> {
    const { app, bus, state, outbox, onGivenUp, onDeadLetter } = this.options;
    const types = readBy(app);
    const missing = types.filter((type) => !this.messageHandlers.has(type));
    if (missing.length > 0) throw new Error(`${app} has no handler for ${missing.join(', ')}: add a method with @Handles`);
    const delivery = new Delivery<App>(app, state, outbox as Outbox<App>, { reads: new Set(types), onGivenUp, onDeadLetter, dispatch: (type, payload, tx, meta) => this.#dispatch(type, payload, { tx, meta }) });
    this.#retrier = new ParkedRetrier(app, state, delivery);
    this.#subscription = bus.subscribe(app, topicsReadBy(app), (message) => delivery.deliver(message));
    await this.#subscription;
  }
  async #dispatch(type: MessageType, payload: unknown, context: { tx: unknown; meta: MessageMeta }): Promise<void> {
    const handler = this.messageHandlers.get(type);
    if (!handler) return;
    const result: unknown = await handler(payload, context);
    if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined }); // a failure arrives as an observable
  }
  async close(): Promise<void> {
    const subscription = await this.#subscription?.catch(() => undefined); // one that is joining is there to be closed when it has joined
    await subscription?.close();
    await this.#retrier?.close();
  }
  on(): void { /* this transport has no events of its own */ }
  unwrap<T>(): T { return this.options.bus as T; }
}
