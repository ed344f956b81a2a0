import { describe, expect, it } from '@jest/globals';
import type { WebSocket } from 'ws';
import { LiveClient, closeCodes } from './live-client.ts';

const event = (seq: number) => ({ seq, topics: ['runs'], event: { seq } });
/** A socket as far as a client of the feed sees it. */
function aSocket(bufferedAmount = 0) {
  const sent: string[] = [];
  const closed: number[] = [];
  const socket = { OPEN: 1, readyState: 1, bufferedAmount, send: (text: string) => { sent.push(text); }, close: (code: number) => { closed.push(code); } };
  return { socket: socket as unknown as WebSocket, sent, closed };
}

describe('a client of the feed', () => {
  it('gets each event once, however often it is offered', () => {
    const { socket, sent } = aSocket();
    const client = new LiveClient(socket, 'tenant');
    client.read('{"subscribe":["runs"]}');
    client.startAt(4);
    client.take([event(4), event(5)]);
    client.take([event(5), event(6)]);
    expect(sent.map((text) => (JSON.parse(text) as { seq: number }).seq)).toEqual([5, 6]);
  });
  it('is closed when more than 4 MB wait for it, and told to try again', () => {
    const { socket, sent, closed } = aSocket(4 * 1024 * 1024 + 1);
    const client = new LiveClient(socket, 'tenant');
    client.read('{"subscribe":["runs"]}');
    client.startAt(0);
    client.take([event(1)]);
    expect([sent, closed]).toEqual([[], [closeCodes.tooSlow]]);
  });
});
