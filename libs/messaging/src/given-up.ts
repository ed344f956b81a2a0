import { EtlError, type Failure, isMessageType, toFailure } from '@agent-etl/contracts';
import type { TenantTx } from '@agent-etl/persistence';
import type { WireMessage } from './message-bus.ts';
import { readHeaders } from './message-headers.ts';

/** A message that nobody here tries again, and the dead letter that keeps it. `json` is undefined when its bytes are none. */
export interface GivenUp { readonly id: string; readonly message: WireMessage; readonly json: unknown; readonly failure: Failure; readonly tries: number }
/** Called in the transaction that writes the dead letter: the place to end what waits for the message, or to answer whoever sent it. */
export type OnGivenUp = (letter: GivenUp, tx: TenantTx) => Promise<void>;
/** @property error what its handler threw last, undefined where no handler saw it
 * @property notEnded why what waits for the message could not be ended with it */
export interface WhyGivenUp { readonly error: unknown; readonly notEnded: unknown }
/** Told once a dead letter is kept. */
export type OnDeadLetter = (letter: GivenUp, why: WhyGivenUp) => void;

/** The type of a message, or null when it names none of the catalogue. */
export function typeOf({ message }: Pick<GivenUp, 'message'>): string | null {
  const read = readHeaders(message);
  if (read.kind === 'message') return read.meta.type;
  const named = message.headers['ce_type'] ?? '';
  return isMessageType(named) ? named : null;
}

/** What those are told who waited for the message: its code, and where to look. */
export const givenUpFailure = (letter: GivenUp): Failure =>
  toFailure(new EtlError('message.given-up', { type: typeOf(letter) ?? 'a message of no known type', code: letter.failure.code, id: letter.id }));
