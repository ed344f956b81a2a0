import { Inject, Injectable } from '@nestjs/common';
import { type Answer, DEFAULT_TENANT, type DeadLetterView, EtlError, type endpoints, Failure, TenantId, apps, deadLetterTopic, toFailure } from '@agent-etl/contracts';
import type { MessageBus, WireMessage } from '@agent-etl/messaging';
import { StateDatabase } from '@agent-etl/persistence';
import type { ServiceParts } from '@agent-etl/service-kit';
import { type DeadLetter, DeadLettersRepository } from './dead-letters.repository.ts';

export const MESSAGE_BUS = Symbol('monitor message bus');
export const MONITOR_LOG = Symbol('monitor log');
type Log = ServiceParts<'monitor', unknown>['log'];

/** Collects the mirrors of every service's dead letters, so that one page shows them all. The record itself stays with the service that owns it. */
@Injectable()
export class DeadLettersService {
  #subscription: { close(): Promise<void> } | undefined;
  constructor(
    private readonly state: StateDatabase, private readonly letters: DeadLettersRepository, @Inject(MESSAGE_BUS) private readonly bus: MessageBus, @Inject(MONITOR_LOG) private readonly log: Log,
  ) {}

  async start(): Promise<void> {
    this.#subscription = await this.bus.subscribe('monitor-dead-letters', apps.map(deadLetterTopic), (message) => this.#keep(message));
  }
  async stop(): Promise<void> { await this.#subscription?.close(); }

  async #keep(message: WireMessage): Promise<void> {
    const letter = readLetter(message);
    if (!letter) return; // not written by one of our services: nothing to show
    const tenant = TenantId.safeParse(message.headers['etl_tenant']);
    try {
      await this.state.inTenantTx(tenant.success ? tenant.data : DEFAULT_TENANT.id, (tx) => this.letters.add(tx, letter));
    } catch (error) {
      if (toFailure(error).code === 'platform.unavailable') throw error;
      this.log.error({ letter: letter.id, err: error }, 'a dead letter cannot be shown'); // its owner has the record; a mirror must not hold up what that service says next
    }
  }
  async list(tenantId: string, limit: number, cursor: string | undefined): Promise<{ items: DeadLetterView[]; next: string | null }> {
    const rows = await this.state.inTenantTx(tenantId, (tx) => this.letters.list(tx, { limit: limit + 1, before: cursor ?? null }));
    const items = rows.slice(0, limit);
    return { items, next: rows.length > limit ? items.at(-1)?.id ?? null : null };
  }
  get(tenantId: string, id: string): Promise<Answer<typeof endpoints.getDeadLetter>> {
    return this.state.inTenantTx(tenantId, (tx) => this.letters.get(tx, id));
  }
}

/** The letter that a mirror message carries, or null when its dlq headers are missing. */
function readLetter({ topic, key, headers, value }: WireMessage): DeadLetter | null {
  const { dlq_id: id, dlq_source: source, dlq_failure: failure, dlq_at: at, dlq_tries: tries } = headers;
  if (!id || !source || !failure) return null;
  const [from = '', partition = '0', offset = '0'] = source.split('/');
  return {
    id, app: topic.replace('etl.dlq.', ''), topic: from, partition: Number(partition), offset, key, type: headers['ce_type'] ?? null, failure: readFailure(failure),
    tries: Number(tries ?? 0), at: at ?? new Date(0).toISOString(), bytes: value.byteLength, value,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('dlq_'))),
  };
}
/** A newer release may fail in ways that have no row in this one's table: its letter is shown all the same. */
function readFailure(text: string): Failure {
  try { return Failure.parse(JSON.parse(text)); } catch { return toFailure(new EtlError('message.unsupported', { type: 'The failure of this letter' })); }
}
