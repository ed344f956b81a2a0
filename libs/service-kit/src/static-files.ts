import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.json': 'application/json', '.svg': 'image/svg+xml',
  '.png': 'image/png', '.ico': 'image/x-icon', '.woff2': 'font/woff2', '.txt': 'text/plain; charset=utf-8', '.webmanifest': 'application/manifest+json', '.map': 'application/json',
};
const policy = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** Serves the files of a folder. A path without a file gets index.html, so that a page of the app can be opened by its address.
 * @returns false when this is not for us: then nothing was answered */
export async function serveStatic(folder: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  const path = decoded(new URL(request.url ?? '/', 'http://localhost').pathname);
  if (path === null || path === '/v1' || path.startsWith('/v1/')) return false;
  const found = await fileOf(folder, path) ?? (extname(path) === '' ? await fileOf(folder, '/index.html') : null);
  if (!found) return false;
  response.statusCode = 200;
  response.setHeader('Content-Type', types[extname(found.file)] ?? 'application/octet-stream');
  response.setHeader('Content-Length', found.bytes);
  response.setHeader('Content-Security-Policy', policy);
  response.setHeader('Referrer-Policy', 'no-referrer'); // an address may carry a token
  response.setHeader('Cache-Control', path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (request.method === 'HEAD') response.end();
  else createReadStream(found.file).on('error', () => { response.destroy(); }).pipe(response);
  return true;
}

function decoded(path: string): string | null {
  try { return decodeURIComponent(path); } catch { return null; } // not a path that any file has
}
async function fileOf(folder: string, path: string): Promise<{ file: string; bytes: number } | null> {
  const file = join(folder, path);
  if (path.includes('\0') || !file.startsWith(folder + sep)) return null;
  const found = await stat(file).catch(() => null);
  return found?.isFile() ? { file, bytes: found.size } : null;
}
