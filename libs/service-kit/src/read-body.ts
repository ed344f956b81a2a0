import type { IncomingMessage } from 'node:http';
import { EtlError } from '@agent-etl/contracts';

export const BODY_LIMIT_BYTES = 1024 * 1024;
const MAX_DEPTH = 64;
const json = /^application\/(json|[\w.+-]+\+json)\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

/** Reads and parses the body of a request: JSON in UTF-8 and nothing else, at most 1 MiB, at most 64 levels deep.
 * @returns undefined when there is none
 * @throws EtlError `request.unsupported`, `request.too-large`, `request.malformed` */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const bytes = hasBody(request) ? await readAll(request) : Buffer.alloc(0);
  return bytes.byteLength === 0 ? undefined : parseJson(bytes);
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  if (headers['transfer-encoding'] === undefined && (length === undefined || length === '0')) return false;
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw unsupported(`content encoding ${encoding}`, 'no encoding');
  if (!json.test(headers['content-type'] ?? '')) throw unsupported(headers['content-type'] ?? 'a body without content type', 'application/json in UTF-8');
  if (Number(length ?? 0) > BODY_LIMIT_BYTES) throw tooLarge(`${length} bytes`);
  return true;
}
const unsupported = (found: string, allowed: string): EtlError => new EtlError('request.unsupported', { found: found.slice(0, 100), allowed });
const tooLarge = (size: string): EtlError => new EtlError('request.too-large', { what: 'The body', size, limit: `${BODY_LIMIT_BYTES} bytes` });

function readAll(request: IncomingMessage): Promise<Buffer> {
  return new Promise((done, fail) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes > BODY_LIMIT_BYTES) { request.pause(); fail(tooLarge(`more than ${BODY_LIMIT_BYTES} bytes`)); } else chunks.push(chunk);
    });
    request.once('end', () => { done(Buffer.concat(chunks)); });
    request.once('error', () => { fail(malformed('the body broke off', 1)); });
  });
}

/** @throws EtlError `request.malformed` with the line */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try { text = new TextDecoder('utf-8', { fatal: true }).decode(bytes); } catch (cause) { throw malformed('it is not UTF-8', 1, cause); }
  const deep = lineTooDeep(text);
  if (deep) throw malformed(`more than ${MAX_DEPTH} levels`, deep);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const position = /position (\d+)/.exec((cause as Error).message)?.[1];
    const line = text.slice(0, position === undefined ? text.length : Number(position)).split('\n').length;
    throw malformed(position === undefined ? 'it ends too early' : 'unexpected text', line, cause);
  }
}
const malformed = (problem: string, line: number, cause?: unknown): EtlError => new EtlError('request.malformed', { format: 'JSON', problem, line }, { cause });

/** The line where brackets nest deeper than the limit, else 0. Deep values end recursive readers, so they are refused before any reads them. */
function lineTooDeep(text: string): number {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (inString) {
      if (character === '\\') at += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '[' || character === '{') { depth += 1; if (depth > MAX_DEPTH) return text.slice(0, at).split('\n').length; }
    else if (character === ']' || character === '}') depth -= 1;
  }
  return 0;
}
