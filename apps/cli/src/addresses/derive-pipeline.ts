import { createHash } from 'node:crypto';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type { ConnectionSpec, Pipeline } from '@agent-etl/contracts';
import { WrongUse } from '../session/exit-codes.ts';
import { type Address, parseAddress } from './parse-address.ts';

/** A connection that an address needs and that nobody has written down. The password stays apart from everything that is stored. */
export interface DerivedConnection { readonly name: string; readonly spec: ConnectionSpec; readonly password: string | null; readonly folder: string | null }
interface End { readonly connection: string; readonly dataset: string; readonly derived: DerivedConnection | null }
export interface Derived { readonly pipeline: Pipeline; readonly connections: readonly DerivedConnection[]; readonly hints: readonly string[] }
export interface Ends { readonly from: string; readonly to: string; readonly table?: string | undefined; readonly load?: Pipeline['to']['load']; readonly key?: readonly string[] | undefined }
interface Surroundings { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> }

const short = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 6);
const slug = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '').replace(/^(?=[^a-z])/, 'x_');
/** A legal name out of any text; a long one keeps its start and gets a digest, so that two stay apart. */
export const nameOf = (text: string): string => { const name = slug(text) || 'x'; return name.length <= 48 ? name : `${name.slice(0, 41).replace(/_+$/, '')}_${short(text)}`; };

function open(text: string, { env }: Surroundings): { address: Address; hints: string[] } {
  const address = parseAddress(text);
  if ((address.kind === 'postgres' || address.kind === 'mysql') && address.password !== null) {
    const variable = `${nameOf(address.database).toUpperCase()}_URL`;
    return { address, hints: [`the password is used for this command and kept nowhere; better: put the address in ${variable} and write env:${variable}`] };
  }
  if (address.kind !== 'environment') return { address, hints: [] };
  const value = env[address.variable];
  if (!value) throw new WrongUse(`The variable ${address.variable} is not set.`, `export ${address.variable}=postgres://user:password@host:5432/database`);
  const inner = parseAddress(value);
  if (inner.kind === 'environment') throw new WrongUse(`The variable ${address.variable} names another variable.`, 'put the address itself there');
  return { address: inner, hints: [] };
}
function absoluteOf(path: string, { cwd, env }: Surroundings): string {
  const home = path.startsWith('~/') ? join(env['HOME'] ?? cwd, path.slice(2)) : path;
  return isAbsolute(home) ? home : resolve(cwd, home);
}
function fileEnd(path: string, around: Surroundings): End {
  // `events/` and `events/**/*.parquet` are the files of a folder: what makes them one dataset stays with its name.
  const [, base = path, pattern = ''] = /^(.*[^/])(\/+|\/\*\*\/\*\.[A-Za-z0-9.]+)$/.exec(path) ?? [];
  const absolute = absoluteOf(base, around);
  const folder = dirname(absolute);
  const name = `files_${short(folder)}`;
  return { connection: name, dataset: `${basename(absolute)}${pattern.replace(/^\/+$/, '/')}`, derived: { name, spec: { connector: 'file', root: folder }, password: null, folder } };
}
function serverEnd(address: Extract<Address, { host: string }>, table: string | undefined): End {
  const dataset = address.table ?? table;
  if (!dataset) throw new WrongUse(`Which table of database ${address.database}?`, address.kind === 'mysql' ? 'add --table name, or ?table=name to the address' : 'add --table schema.table, or ?table=schema.table to the address');
  const { kind, host, port, database, user, tls } = address;
  const name = nameOf(`${database}_${short([...(kind === 'mysql' ? [kind] : []), host, port, database, user].join('|'))}`);
  const spec: ConnectionSpec = { connector: kind, host, port, database, ...(user ? { user } : {}), ...(tls ? { tls: tls as 'prefer' } : {}) };
  return { connection: name, dataset, derived: { name, spec, password: address.password, folder: null } };
}
function sqliteEnd(address: Extract<Address, { kind: 'sqlite' }>, table: string | undefined, around: Surroundings): End {
  const absolute = absoluteOf(address.path, around);
  const [folder, file] = [dirname(absolute), basename(absolute)];
  const dataset = address.table ?? table;
  if (!dataset) throw new WrongUse(`Which table of ${file}?`, 'add --table name, or ?table=name to the address');
  const name = nameOf(`${file.replace(/\.[a-z0-9]+$/i, '')}_${short(absolute)}`);
  return { connection: name, dataset, derived: { name, spec: { connector: 'sqlite', root: folder, file }, password: null, folder } };
}
function endOf(address: Address, table: string | undefined, around: Surroundings): End {
  switch (address.kind) {
    case 'dataset': return { connection: address.connection, dataset: address.dataset, derived: null };
    case 'file': return fileEnd(address.path, around);
    case 'postgres': case 'mysql': return serverEnd(address, table);
    case 'sqlite': return sqliteEnd(address, table, around);
    case 'name': throw new WrongUse(`"${address.name}" names no dataset.`, 'write connection.schema.table or connection:path');
    case 'pipeline-file': throw new WrongUse(`${address.path} is a pipeline file; it names its own target.`, `agent-etl run ${address.path}`);
    case 'environment': throw new WrongUse('A variable cannot name another variable.');
  }
}
/** The table of a target that names none: the one of the source. SQLite and MySQL have no schemas. */
function sameTable({ kind }: Address, { dataset }: End, target: Address): string | undefined {
  if (target.kind === 'sqlite' || target.kind === 'mysql') return kind === 'postgres' || kind === 'sqlite' || kind === 'mysql' ? dataset.replace(/^[^".]+\./, '') : undefined;
  if (kind === 'sqlite' || kind === 'mysql') return target.kind === 'postgres' ? `public.${dataset.includes('.') ? `"${dataset}"` : dataset}` : undefined;
  return /^[^/]+\.[^/.]+$/.test(dataset) && kind !== 'file' ? dataset : undefined;
}
/** Makes a pipeline and the connections it needs out of two addresses. Equal addresses give equal names, so a second run is the same pipeline.
 * @throws WrongUse when an address lacks a table, a variable is not set, or one of them is no dataset */
export function derivePipeline({ from, to, table, load, key }: Ends, around: Surroundings): Derived {
  const source = open(from, around);
  const target = open(to, around);
  const sourceEnd = endOf(source.address, table, around);
  const targetEnd = endOf(target.address, table ?? sameTable(source.address, sourceEnd, target.address), around);
  const name = nameOf(`${sourceEnd.connection}_${sourceEnd.dataset}_to_${targetEnd.connection}_${targetEnd.dataset}`);
  const pipeline: Pipeline = {
    version: 1, name, from: { connection: sourceEnd.connection, dataset: sourceEnd.dataset },
    to: { connection: targetEnd.connection, dataset: targetEnd.dataset, ...(load ? { load } : {}), ...(key?.length ? { key: [...key] } : {}) },
  };
  const connections = [sourceEnd.derived, targetEnd.derived].filter((derived) => derived !== null);
  return { pipeline, connections, hints: [...source.hints, ...target.hints] };
}
