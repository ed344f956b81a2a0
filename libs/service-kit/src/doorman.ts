import { STATUS_CODES, type IncomingMessage } from 'node:http';
import { EtlError } from '@agent-etl/contracts';

export const titleOf = (status: number): string => STATUS_CODES[status] ?? 'Error';
const loopback = /^(127(\.\d{1,3}){3}|localhost|\[::1\]|::1)$/;
export const isLoopback = (host: string): boolean => loopback.test(host);

/** Refuses browsers that a foreign page steers. A server on loopback answers only to loopback names, so a name that somebody rebinds to 127.0.0.1
 * does not reach it; everywhere a page may call only the host it came from. */
export class Doorman {
  readonly #listensOnLoopback: boolean;
  constructor(host: string) { this.#listensOnLoopback = isLoopback(host); }

  /** @throws EtlError `access.forbidden` */
  check({ headers: { host = '', origin } }: IncomingMessage): void {
    if (this.#listensOnLoopback && !isLoopback(hostnameOf(`http://${host}`))) throw new EtlError('access.forbidden', { action: `requests to the host ${host.slice(0, 100)}` });
    if (origin === undefined) return;
    if (hostOf(origin) !== host) throw new EtlError('access.forbidden', { action: 'requests from that page' });
  }
}

const parsed = (text: string): URL | null => (URL.canParse(text) ? new URL(text) : null);
const hostnameOf = (text: string): string => parsed(text)?.hostname ?? '';
/** `Host` leaves the default port out, and so does URL. */
const hostOf = (origin: string): string => parsed(origin)?.host ?? '';
