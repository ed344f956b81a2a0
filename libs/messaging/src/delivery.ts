import { type App, EtlError, type Failure, type Payload, type MessageType, issuesOf, messages, toFailure } from '@agent-etl/contracts';
import { type StateDatabase, type TenantTx, sql } from '@agent-etl/persistence';
import type { GivenUp, OnDeadLetter, OnGivenUp } from './given-up.ts';
import type { WireMessage } from './message-bus.ts';
import { type MessageMeta, readHeaders, tenantNamedBy } from './message-headers.ts';
import { Parking, type ParkedRow } from './parking.ts';
import type { Outbox } from './outbox.ts';
import { afterFailure, pauseMs } from './retry-rules.ts';

/** Runs the handler of a type; answers false when the app has none. */
export type Dispatch = (type: MessageType, payload: unknown, tx: TenantTx, meta: MessageMeta) => Promise<void>;
export interface DeliveryOptions { readonly reads: ReadonlySet<MessageType>; readonly dispatch: Dispatch; readonly onGivenUp?: OnGivenUp | undefined; readonly onDeadLetter?: OnDeadLetter | undefined }
interface GivingUp { readonly failure: Failure; readonly tenantId: string; readonly parked?: ParkedRow; readonly error?: unknown }
/** A request is one pipeline and a sentence; more is a mistake or an attack. */
const MAX_BYTES = 1024 * 1024;

/** Between bus and handler: reads, opens the inbox transaction, retries, parks a failing key, gives up after five tries. */
export class Delivery<A extends App> {
  readonly parking: Parking<A>;
  #onParked: () => void = () => undefined;
  constructor(private readonly app: A, private readonly state: StateDatabase, outbox: Outbox<A>, private readonly options: DeliveryOptions) {
    this.parking = new Parking(app, outbox);
  }

  /** The retrier asks to be told when a message has been parked here. */
  whenParked(wake: () => void): void { this.#onParked = wake; }

  /** Resolves when the message has had its effect, is parked or is given up. @throws EtlError `platform.unavailable`: nothing was kept, deliver again */
  async deliver(message: WireMessage): Promise<void> {
    const read = this.#read(message);
    if (read.kind === 'foreign') return;
    if (read.kind === 'unreadable') return this.#giveUp(message, { failure: toFailure(read.failure), tenantId: tenantNamedBy(message) });
    const { meta, payload } = read;
    try {
      await this.state.inTenantTx(meta.tenantId, async (tx) => {
        const place = await this.parking.enter(tx, message, meta.id);
        if (place === 'behind') return this.#park(tx, message, { tries: 0, failure: null, pauseMs: 0 });
        if (place === 'first') await this.options.dispatch(meta.type, payload as Payload<MessageType>, tx, meta);
      });
    } catch (error) {
      await this.#failed(message, meta.tenantId, error);
    }
  }

  /** Tries the oldest waiting message of a key again. Answers whether it was there. */
  async retry(tenantId: string, seq: string): Promise<boolean> {
    let row: ParkedRow | null = null;
    try {
      await this.state.inTenantTx(tenantId, async (tx) => {
        row = await this.parking.lock(tx, seq);
        if (!row) return;
        const read = this.#read(row);
        if (read.kind === 'unreadable') throw read.failure; // parked by another release
        if (read.kind === 'message') await this.#once(tx, read.meta, read.payload);
        await this.parking.unpark(tx, seq);
      });
      return row !== null;
    } catch (error) {
      if (row) await this.#failedAgain(tenantId, row, error);
      return true;
    }
  }

  #read(message: WireMessage): { kind: 'foreign' } | { kind: 'unreadable'; failure: EtlError } | { kind: 'message'; meta: MessageMeta; payload: unknown } {
    if (message.value.byteLength > MAX_BYTES) return { kind: 'unreadable', failure: new EtlError('message.malformed', { problem: `${message.value.byteLength} bytes; the limit is ${MAX_BYTES}` }) };
    const read = readHeaders(message);
    if (read.kind !== 'message') return read;
    if (!this.options.reads.has(read.meta.type)) return { kind: 'foreign' };
    const json = parseJson(message.value);
    if (json === undefined) return { kind: 'unreadable', failure: new EtlError('message.malformed', { problem: 'not JSON in UTF-8' }) };
    const parsed = messages[read.meta.type].payload.safeParse(json);
    if (parsed.success) return { kind: 'message', meta: read.meta, payload: parsed.data };
    const issues = issuesOf(parsed.error);
    return { kind: 'unreadable', failure: new EtlError('message.malformed', { problem: issues.map(({ path, text }) => `${path} ${text}`).slice(0, 5).join('; ') }, { issues }) };
  }
  /** The effect and its inbox row are one transaction: a repeat waits here, then finds the row and does nothing. */
  async #once(tx: TenantTx, meta: MessageMeta, payload: unknown): Promise<void> {
    const first = await tx.run(sql`insert into inbox (tenant_id, app, ce_id) values (${tx.tenantId}, ${this.app}, ${meta.id}) on conflict do nothing returning 1`);
    if (first.length > 0) await this.options.dispatch(meta.type, payload as Payload<MessageType>, tx, meta);
  }
  async #failed(message: WireMessage, tenantId: string, error: unknown): Promise<void> {
    const failure = toFailure(error);
    const next = afterFailure(failure.code, 1);
    if (next === 'redeliver') throw error;
    if (next === 'dead') return this.#giveUp(message, { failure, tenantId, error });
    await this.state.inTenantTx(tenantId, (tx) => this.#park(tx, message, { tries: 1, failure, pauseMs: pauseMs(1, Math.random()) }));
  }
  /** The retrier hears of each: the message before this one may have left the queue just now. */
  #park(tx: TenantTx, message: WireMessage, state: Parameters<Parking<A>['park']>[2]): Promise<void> {
    tx.afterCommit(() => { this.#onParked(); });
    return this.parking.park(tx, message, state);
  }
  async #failedAgain(tenantId: string, row: ParkedRow, error: unknown): Promise<void> {
    const failure = toFailure(error);
    const tries = row.tries + 1;
    const next = afterFailure(failure.code, tries);
    if (next === 'redeliver') throw error;
    if (next === 'dead') return this.#giveUp(row, { failure, tenantId, parked: row, error });
    await this.state.inTenantTx(tenantId, (tx) => this.parking.postpone(tx, row.seq, { tries, failure, pauseMs: pauseMs(tries, Math.random()) }));
  }
  /** The letter and the end of what waits for the message are one transaction. What cannot be ended, tried twice, does not block the partition: the letter is the record. */
  async #giveUp(message: WireMessage, given: GivingUp): Promise<void> {
    const { onGivenUp, onDeadLetter } = this.options;
    let notEnded: unknown;
    for (const end of [onGivenUp, onGivenUp, undefined]) {
      try {
        const letter = await this.#bury(message, given, end);
        if (letter) onDeadLetter?.(letter, { error: given.error, notEnded });
        return;
      } catch (error) {
        if (!end || toFailure(error).code === 'platform.unavailable') throw error;
        notEnded = error;
      }
    }
  }
  /** @returns null when the message has its letter already */
  #bury(message: WireMessage, { failure, tenantId, parked }: GivingUp, end?: OnGivenUp): Promise<GivenUp | null> {
    const tries = (parked?.tries ?? 0) + 1;
    return this.state.inTenantTx(tenantId, async (tx) => {
      const id = await this.parking.bury(tx, message, { failure, tries, firstSeen: parked?.first_seen ?? new Date() });
      if (parked) await this.parking.unpark(tx, parked.seq);
      if (id === null) return null;
      const letter: GivenUp = { id, message, json: parseJson(message.value), failure, tries };
      await end?.(letter, tx);
      return letter;
    });
  }
}
const utf8 = new TextDecoder('utf-8', { fatal: true });
function parseJson(bytes: Uint8Array): unknown {
  try { return JSON.parse(utf8.decode(bytes)) as unknown; } catch { return undefined; } // the caller gives the message up with its bytes
}
