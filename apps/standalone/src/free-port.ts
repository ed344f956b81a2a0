import { createServer } from 'node:net';

const isFree = (port: number, host: string): Promise<boolean> => new Promise((resolve) => {
  const server = createServer().once('error', () => { resolve(false); }).listen(port, host, () => { server.close(() => { resolve(true); }); });
});
const anyFree = (host: string): Promise<number> => new Promise((resolve, reject) => {
  const server = createServer().once('error', reject).listen(0, host, () => {
    const address = server.address();
    server.close(() => { resolve(typeof address === 'object' && address ? address.port : 0); });
  });
});
/** The wanted port, or the next free one above it; any free one for 0, and when a hundred are taken. */
export async function freePort(wanted: number, host = '127.0.0.1'): Promise<number> {
  for (let port = wanted; port !== 0 && port < Math.min(wanted + 100, 65_536); port += 1) if (await isFree(port, host)) return port;
  return anyFree(host);
}
