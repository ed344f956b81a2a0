import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';

/** A line to a server that can be cut, and that can stop passing bytes while it stays open. */
export interface TcpProxy { readonly port: number; cut(): void; hang(): void; close(): Promise<void> }
/** @param to port on loopback; null for a line that nobody answers */
export async function tcpProxy(to: number | null): Promise<TcpProxy> {
  const pairs = new Set<readonly Socket[]>();
  let isHung = to === null;
  const server: Server = createServer((here) => {
    const there = to === null ? null : connect(to, '127.0.0.1');
    const pair = there ? [here, there] : [here];
    pairs.add(pair);
    for (const socket of pair) socket.on('error', () => undefined).once('close', () => { pairs.delete(pair); for (const other of pair) other.destroy(); });
    here.on('data', (bytes) => { if (!isHung) there?.write(bytes); });
    there?.on('data', (bytes) => { if (!isHung) here.write(bytes); });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const cut = (): void => { for (const pair of pairs) for (const socket of pair) socket.destroy(); };
  return { port: typeof address === 'object' && address ? address.port : 0, cut, hang: () => { isHung = true; }, close: async () => { cut(); server.close(); await once(server, 'close'); } };
}
