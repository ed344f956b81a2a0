import { type IncomingMessage, type Server, type ServerResponse, createServer, request } from 'node:http';
import { connect } from 'node:net';
import type { App } from '@agent-etl/contracts';
import { ownerOf } from './edge-rules.ts';

export type Ports = Readonly<Record<App, number>>;
const host = '127.0.0.1';
const serviceLimitBytes = 1024 * 1024;
const away = JSON.stringify({ type: 'about:blank', title: 'A service does not answer.', status: 503, code: 'platform.unavailable', text: 'A service does not answer.', next: 'try again in a moment', traceId: null });

function forward(ports: Ports, asked: IncomingMessage, answer: ServerResponse): void {
  const { method = 'GET', url = '/' } = asked;
  const inner = request({ host, port: ports[ownerOf(method, url)], method, path: url, headers: asked.headers }, (found) => {
    // Whoever answers before the body's end, such as 413, has stopped reading: what still comes is nobody's.
    asked.unpipe(inner);
    asked.resume();
    answer.writeHead(found.statusCode ?? 502, found.headers);
    found.on('error', () => { answer.destroy(); }).pipe(answer);
  });
  inner.on('error', () => { if (!answer.headersSent) answer.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '5' }).end(away); });
  answer.on('close', () => { inner.destroy(); });
  // No service takes more than 1 MiB: it says so after the headers, and would say it into a pipe that a body still being written has broken.
  if (Number(asked.headers['content-length'] ?? 0) > serviceLimitBytes) inner.flushHeaders(); else asked.pipe(inner);
}
/** One address in front of the four services: requests go to the owner of their endpoint, upgrades to the live feed. Headers pass unchanged. */
export function openEdge(ports: Ports): Server {
  const server = createServer((asked, answer) => { forward(ports, asked, answer); });
  server.on('upgrade', (asked, socket, head) => {
    const inner = connect(ports[ownerOf('GET', asked.url ?? '/')], host, () => {
      const headers = asked.rawHeaders.reduce((text, value, index) => text + value + (index % 2 ? '\r\n' : ': '), '');
      inner.write(`${asked.method} ${asked.url} HTTP/1.1\r\n${headers}\r\n`);
      if (head.length) inner.write(head);
      inner.pipe(socket).pipe(inner);
    });
    for (const [one, other] of [[inner, socket], [socket, inner]] as const) one.on('error', () => { other.destroy(); });
  });
  return server;
}
