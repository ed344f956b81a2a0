import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/** What happens to a line once it has carried so many bytes one way. cut: both ends see it go · stall: nothing passes any more, and nobody is told · drip: all that follows comes in crumbs. `once`: lines opened later are whole again. */
export interface Fault { readonly is: 'cut' | 'stall' | 'drip'; readonly way: 'to-client' | 'to-server'; readonly afterBytes: number; readonly once?: true }
export interface FaultProxy { readonly port: number; strike(fault: Fault | null): void; readonly struck: number; readonly carried: Record<Fault['way'], number>; close(): Promise<void> }
const CRUMB = 7;

/** A line between a client and a server that breaks at a byte. Each connection counts for itself, from when the fault was set. */
export async function aFaultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  let [fault, struck] = [null as Fault | null, 0];
  let carried = { 'to-client': 0, 'to-server': 0 };
  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    const ends = [client, upstream] as const;
    for (const socket of ends) { sockets.add(socket); socket.setNoDelay(true).on('error', () => undefined).on('close', () => { sockets.delete(socket); }); }
    client.on('close', () => { upstream.destroy(); });
    upstream.on('close', () => { client.destroy(); });
    const pass = (from: Socket, to: Socket, way: Fault['way']): void => {
      let seen = 0;
      let isStalled = false;
      from.on('data', (bytes) => {
        if (isStalled) return;
        carried[way] += bytes.length;
        const now = fault?.way === way ? fault : null;
        const before = seen;
        if (now) seen += bytes.length;
        if (!now || seen < now.afterBytes) { send(to, bytes, from); return; }
        struck += before < now.afterBytes ? 1 : 0;
        if (now.once) fault = null;
        if (now.is === 'drip') { for (let at = 0; at < bytes.length; at += CRUMB) send(to, bytes.subarray(at, at + CRUMB), from); return; }
        send(to, bytes.subarray(0, Math.max(0, now.afterBytes - before)), from);
        if (now.is === 'stall') { isStalled = true; return; }
        for (const socket of ends) socket.destroy();
      });
    };
    pass(client, upstream, 'to-server');
    pass(upstream, client, 'to-client');
  });
  await new Promise<void>((listening) => { server.listen(0, '127.0.0.1', listening); });
  return {
    port: (server.address() as AddressInfo).port, get struck() { return struck; }, get carried() { return carried; },
    strike: (next) => { [fault, struck, carried] = [next, 0, { 'to-client': 0, 'to-server': 0 }]; },
    close: () => new Promise((closed) => { server.close(() => { closed(); }); for (const socket of sockets) socket.destroy(); }),
  };
}
function send(to: Socket, bytes: Buffer, from: Socket): void {
  if (to.destroyed || to.write(bytes)) return;
  from.pause();
  to.once('drain', () => { from.resume(); });
}
