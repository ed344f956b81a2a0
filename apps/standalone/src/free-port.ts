import { createServer } from 'node:net';

const isFree = (port: number, host: string): Promise<boolean> => new Promise((resolve) => {
  const server = createServer().once('error', () => { resolve(false); }).listen(port, host, () => { server.close(() => { resolve(true); }); });
});
/** The wanted port, or the next free one above it; any free one when a hundred are taken. */
export async function freePort(wanted: number, host = '127.0.0.1'): Promise<number> {
  for (let port = wanted; port !== 0 && port < Math.min(wanted + 100, 65_536); port += 1) if (await isFree(port, host)) return port;
  return 0;
}
