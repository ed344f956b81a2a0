import { ConnectionName, PipelineName } from '@agent-etl/contracts';
import { WrongUse } from '../session/exit-codes.ts';

/** What somebody typed as a source, a target or a pipeline. */
export type Address =
  | { readonly kind: 'pipeline-file'; readonly path: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'dataset'; readonly connection: string; readonly dataset: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'postgres' | 'mysql'; readonly host: string; readonly port: number; readonly database: string; readonly user: string | null; readonly password: string | null; readonly tls: string | null; readonly table: string | null }
  | { readonly kind: 'sqlite'; readonly path: string; readonly table: string | null }
  | { readonly kind: 'environment'; readonly variable: string };

const tlsModes: Readonly<Record<string, string>> = { disable: 'disable', allow: 'prefer', prefer: 'prefer', require: 'require', 'verify-ca': 'verify-full', 'verify-full': 'verify-full' };
const decode = (text: string): string => { try { return decodeURIComponent(text); } catch { return text; } };

const servers = {
  postgres: { port: 5432, example: 'postgres://user@host:5432/database?table=schema.table' },
  mysql: { port: 3306, example: 'mysql://user@host:3306/database?table=name' },
} as const;
function serverAddress(text: string, kind: keyof typeof servers): Address {
  // The text itself must not be repeated: it may hold a password.
  const wrong = new WrongUse(`This is not a ${kind} address.`, `write ${servers[kind].example}`);
  let url: URL;
  try { url = new URL(text); } catch { throw wrong; }
  const database = decode(url.pathname.slice(1));
  if (!database || database.includes('/')) throw wrong;
  const mode = url.searchParams.get('sslmode');
  if (mode !== null && !tlsModes[mode]) throw new WrongUse(`sslmode ${mode} is not known.`, `use one of ${Object.keys(tlsModes).join(', ')}`);
  return {
    kind, host: url.searchParams.get('host') ?? (decode(url.hostname).replace(/^\[|\]$/g, '') || 'localhost'), port: url.port ? Number(url.port) : servers[kind].port, database,
    user: url.username ? decode(url.username) : url.searchParams.get('user'), password: url.password ? decode(url.password) : url.searchParams.get('password'),
    tls: mode === null ? null : tlsModes[mode] ?? null, table: url.searchParams.get('table'),
  };
}
function fileAddress(text: string): Address {
  let url: URL;
  try { url = new URL(text); } catch { throw new WrongUse(`${text} is not a file address.`, 'write file:///absolute/path'); }
  if (url.host && url.host !== 'localhost') throw new WrongUse(`${text}: a file address has no host.`, 'write file:///absolute/path, with three slashes');
  return { kind: 'file', path: decode(url.pathname) };
}

/** `sqlite:./shop.db?table=orders`, with or without slashes after the colon; what follows them is a path as it is written. */
function sqliteAddress(text: string): Address {
  const [, path = '', table] = /^sqlite:(?:\/\/)?([^?]+)(?:\?table=(.+))?$/s.exec(text) ?? [];
  if (!path || path.endsWith('/')) throw new WrongUse(`${text} is not a sqlite address.`, 'write sqlite:./shop.db, with ?table=orders for a source');
  return { kind: 'sqlite', path: decode(path), table: table === undefined ? null : decode(table) };
}

/** Reads an address. The order decides: a scheme, a pipeline file, a path, `connection:path`, `connection.schema.table`, a name.
 * @throws WrongUse when it is none of them; a text that may hold a password is not repeated */
export function parseAddress(text: string): Address {
  if (/^postgres(ql)?:\/\//.test(text)) return serverAddress(text, 'postgres');
  if (/^(mysql|mariadb):\/\//.test(text)) return serverAddress(text, 'mysql');
  if (text.startsWith('file://')) return fileAddress(text);
  if (text.startsWith('sqlite:')) return sqliteAddress(text);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//.exec(text)?.[1];
  if (scheme) throw new WrongUse(`${scheme}:// addresses are not supported.`, 'use postgres://, mysql://, sqlite:, file:// or a connection of agent-etl.yaml');
  if (text.startsWith('env:')) {
    const variable = text.slice(4);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable)) throw new WrongUse('env: needs the name of a variable.', 'write env:SHOP_URL');
    return { kind: 'environment', variable };
  }
  if (/\.ya?ml$/i.test(text)) return { kind: 'pipeline-file', path: text };
  if (/^(\.{1,2}|~)?\//.test(text)) return { kind: 'file', path: text };
  const [, connection = '', path = ''] = /^([^:./]+):(.+)$/s.exec(text) ?? [];
  if (path && ConnectionName.safeParse(connection).success) return { kind: 'dataset', connection, dataset: path };
  if (/\.((csv|tsv|ndjson|jsonl|json)(\.gz|\.zst)?|parquet)$/i.test(text)) return { kind: 'file', path: text };
  const dot = text.indexOf('.');
  if (dot > 0 && ConnectionName.safeParse(text.slice(0, dot)).success && text.length > dot + 1) return { kind: 'dataset', connection: text.slice(0, dot), dataset: text.slice(dot + 1) };
  if (PipelineName.safeParse(text).success) return { kind: 'name', name: text };
  throw new WrongUse(`"${text}" is neither a pipeline nor a dataset.`, 'write a pipeline file, connection.schema.table, ./file.parquet, sqlite:./file.db, env:VARIABLE or postgres://user@host/database');
}
