import type { ConnectionSpec } from '@agent-etl/contracts';

// Airflow rewrites asset URIs, and how depends on the providers installed. So only fixed points of that rewriting leave this file.
const part = (text: string): string => encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
const host = /^[a-z0-9](?:[a-z0-9._-]{0,253}[a-z0-9])?$/;
const ipv6 = /^[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}$/;

function hostText(name: string): string | null {
  const lower = name.toLowerCase();
  if (host.test(lower)) return lower;
  return ipv6.test(lower) ? `[${lower}]` : null;
}
function filePath(text: string): string | null {
  const parts = text.split('/').filter((name) => name !== '' && name !== '.');
  return parts.length === 0 || parts.includes('..') ? null : parts.map(part).join('/');
}

/** Where a connection leads, as the beginning of asset URIs: `postgres://host:port/database` or `file:///folder`. Never a user, password or option.
 * @returns null when the address is a secret, a socket, a relative folder, a database file or a MySQL: then its datasets are no assets */
export function connectionAddress(spec: ConnectionSpec): string | null {
  switch (spec.connector) {
    case 'postgres': {
      const name = spec.host === undefined ? null : hostText(spec.host);
      return name === null || !spec.database ? null : `postgres://${name}:${spec.port ?? 5432}/${part(spec.database.toWellFormed())}`;
    }
    case 'sqlite': case 'mysql': // no canonical URI of theirs has been seen to pass Airflow unchanged
      return null;
    case 'file': {
      const folder = spec.root.startsWith('/') ? filePath(spec.root.toWellFormed()) : null;
      return folder === null ? null : `file:///${folder}`;
    }
  }
}

/** `schema.table` as its two names; a name in double quotes keeps its dots. Null when it is not two names. */
function tableNames(dataset: string): [string, string] | null {
  const names = [...dataset.matchAll(/(?:^|\.)(?:"((?:[^"]|"")+)"|([^".]+))(?=\.|$)/gy)];
  const whole = names.map(([text]) => text).join('') === dataset;
  const [schema, table] = names.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
  return whole && names.length === 2 && schema && table ? [schema, table] : null;
}

/** The URI under which every DAG of every Airflow knows one dataset.
 * @param address of its connection, see `connectionAddress`
 * @returns null when the dataset has no canonical URI */
export function datasetUri(address: string, dataset: string): string | null {
  const text = dataset.toWellFormed();
  if (address.startsWith('file:///')) {
    const path = filePath(text);
    return path === null ? null : `${address}/${path}`;
  }
  const names = tableNames(text);
  return names === null ? null : `${address}/${part(names[0])}/${part(names[1])}`;
}

/** Name of an asset in Airflow's screens: connection and dataset in small letters. What had to be replaced shows in its tail, so two datasets never share a name by accident. */
export function assetName(connection: string, dataset: string): string {
  const plain = `${connection}.${dataset}`;
  const slug = plain.toLowerCase().replaceAll(/[^a-z0-9_.]/gu, '_');
  return slug === plain && slug.length <= 200 ? slug : `${slug.slice(0, 180)}.x${fnv1a(plain)}`;
}
/** FNV-1a, 32 bit, over UTF-16 units: a tail that tells names apart, nothing more. */
function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
