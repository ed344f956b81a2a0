import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { LendingSocket } from './lending-socket.ts';

describe('a socket that lends its buffer', () => {
  let server: Server;
  let peer: Socket;
  let socket: LendingSocket;
  async function connected(): Promise<void> {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    socket = new LendingSocket();
    socket.connect((server.address() as AddressInfo).port, '127.0.0.1');
    [peer] = await once(server, 'connection') as [Socket];
  }
  afterEach(() => { socket.destroy(); peer.destroy(); server.close(); });
  const arrival = async (text: string): Promise<Buffer> => {
    const arrived = once(socket, 'data');
    peer.write(text);
    return (await arrived)[0] as Buffer;
  };

  it('gives copies, which stay as they are', async () => {
    await connected();
    const first = await arrival('first');
    await arrival('other');
    expect(first.toString()).toBe('first');
  });
  it('gives the same memory every time once it lends, and copies again afterwards', async () => {
    await connected();
    socket.lend();
    const first = await arrival('first');
    const second = await arrival('other');
    expect([first.toString(), second.buffer === first.buffer]).toEqual(['other', true]);
    socket.keep();
    const third = await arrival('third');
    await arrival('later');
    expect(third.toString()).toBe('third');
  });
  it('leaves lent bytes alone while it is paused, and reads everything to its end', async () => {
    await connected();
    socket.lend();
    const sent = Buffer.alloc(3_000_000, 'abcdefg');
    const seen: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => {
      socket.pause();
      const before = Buffer.from(bytes);
      setTimeout(() => {
        expect(bytes.equals(before)).toBe(true);
        seen.push(before);
        socket.resume();
      }, 2);
    });
    peer.end(sent);
    await once(socket, 'end');
    expect(Buffer.concat(seen).equals(sent)).toBe(true);
  });
});
