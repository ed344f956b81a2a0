import { open } from 'node:fs/promises';
import { EtlError } from '@agent-etl/contracts';
import { type Reference, notFound, parseReference, pickField } from './reference.ts';
import { Secret } from './secret.ts';
import type { SecretStore } from './secret-store.ts';

const SHARED_BITS = 0o077;

/** Secrets in one JSON file, `{ "shop": { "password": "…" } }` or `{ "token": "…" }`, read anew each time.
 * The file must belong to us with mode 0600 or less; mode is asked of the opened file, so a swap in between changes nothing. */
export class FileSecretStore implements SecretStore {
  constructor(private readonly file: string) {}

  async get(text: string): Promise<Secret> {
    const reference = parseReference(text);
    const content = await this.#read(reference);
    const stored = Object.hasOwn(content, reference.name) ? content[reference.name] : undefined;
    const hint = `add ${reference.name} to ${this.file}`;
    if (stored === undefined || stored === null) throw notFound(reference, hint);
    const value = pickField(typeof stored === 'string' ? stored : JSON.stringify(stored), reference, hint);
    if (value === '') throw notFound(reference, hint);
    return new Secret(value);
  }

  async #read(reference: Reference): Promise<Record<string, unknown>> {
    const handle = await open(this.file, 'r').catch((cause: unknown) => { throw notFound(reference, `make ${this.file} with mode 0600`, cause); });
    try {
      const { mode, uid } = await handle.stat();
      if ((mode & SHARED_BITS) !== 0 || (process.getuid && uid !== process.getuid())) throw new EtlError('secret.store-unsafe', { file: this.file });
      return parseContent(await handle.readFile('utf8'), reference, this.file);
    } finally {
      await handle.close();
    }
  }
}

function parseContent(text: string, reference: Reference, file: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  } catch {
    // falls through: the parser's words could repeat a value, so they are not passed on
  }
  throw notFound(reference, `${file} must be one JSON object`);
}
