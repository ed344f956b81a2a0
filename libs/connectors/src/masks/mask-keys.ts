import { EtlError, type MaskKeys, type Transform } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import type { SecretStore } from '@agent-etl/secrets';
import { compile, identifier, keyPlaces, keysOf, sqlFor } from '@agent-etl/sql-safety';
import { createHash, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { PostgresSession } from '../postgres/postgres-session.ts';

const BLOCK_BYTES = 64;
/** Shorter keys are found by trying. */
const LEAST_BYTES = 16;
/** What RFC 2104 puts before a message, as hex. */
export interface Pads { readonly inner: string; readonly outer: string }
/** The two pads of a key over SHA-256: a key longer than a block is hashed first. */
export function padsOf(key: Uint8Array): Pads {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? createHash('sha256').update(key).digest() : key);
  const mixed = (byte: number): string => Buffer.from(block.map((each) => each ^ byte)).toString('hex');
  return { inner: mixed(0x36), outer: mixed(0x5c) };
}

type Steps = Pick<Transform, 'stages'> | undefined;
interface Placed { readonly name: string; readonly value: string }
/** @throws EtlError of the store; `secret.not-found` for a key that is too short to be one */
async function withKey<T>(reference: string, secrets: SecretStore, work: (key: Uint8Array) => T): Promise<T> {
  return (await secrets.get(reference)).use((value) => {
    const key = new TextEncoder().encode(value);
    if (key.length < LEAST_BYTES) throw new EtlError('secret.not-found', { reference, hint: `a key of a mask has at least ${LEAST_BYTES} bytes; store one, such as the output of: openssl rand -hex 32` });
    return work(key);
  });
}
async function placed(transform: Steps, secrets: SecretStore): Promise<Placed[]> {
  const found = await Promise.all(keysOf(transform).map(async (reference) => {
    const { inner, outer } = await withKey(reference, secrets, padsOf);
    const places = keyPlaces(reference);
    return [{ name: places.inner, value: inner }, { name: places.outer, value: outer }];
  }));
  return found.flat();
}

const pg = sqlFor('postgres');
/** Makes the keys of masks known to the transaction that a session is in, as settings of its own that end with it. Bound, they stand in no text of a statement. */
export async function keysIntoPostgres(session: PostgresSession, transform: Steps, secrets: SecretStore): Promise<void> {
  for (const { name, value } of await placed(transform, secrets)) await session.run(compile(pg`SELECT pg_catalog.set_config(${name}, ${value}, true) IS NULL AS unset`));
}
const duck = sqlFor('duckdb');
/** Makes the keys of masks known to an engine child, which ends with what it was started for. */
export async function keysIntoDuck(child: DuckChild, transform: Steps, secrets: SecretStore): Promise<void> {
  for (const { name, value } of await placed(transform, secrets)) await child.query(compile(duck`SET VARIABLE ${identifier(name)} = ${value}`));
}

const slowly = promisify<Uint8Array, string, number, Buffer>(scrypt);
/** What the fingerprint of a key is made with. */
const SALT = 'agent-etl: which key a mask has';
const FINGERPRINT_BYTES = 16;
/** Which keys the masks of a transform have by now; undefined where none has one. A fingerprint costs its reader 16 MiB and some 50 ms for each key that he tries, so that it gives away no more than a masked value does.
 * @param open asked only where there is a key
 * @throws EtlError of the store; `secret.not-found` for a key that is too short to be one */
export async function maskKeysOf(transform: Steps, open: () => Promise<SecretStore>): Promise<MaskKeys | undefined> {
  const references = keysOf(transform);
  if (!references.length) return undefined;
  const secrets = await open();
  const found = await Promise.all(references.map(async (reference) => [reference, (await withKey(reference, secrets, (key) => slowly(key, SALT, FINGERPRINT_BYTES))).toString('hex')] as const));
  return Object.fromEntries(found);
}
