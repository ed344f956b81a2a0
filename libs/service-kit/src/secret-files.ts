import { readFile } from 'node:fs/promises';
import { EtlError } from '@agent-etl/contracts';
import type { KafkaOptions, messagingConfig } from '@agent-etl/messaging';
import type { Logins, persistenceConfig } from '@agent-etl/persistence';
import type { z } from 'zod';

/** The text of the file that a variable names, without the line end that editors add; undefined when the variable is left out.
 * @throws EtlError `config.invalid` that names the variable and what is wrong with its file */
export async function secretFile(variable: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await readFile(path, 'utf8').catch((error: unknown) => { throw unusable(variable, (error as { code?: string }).code ?? 'it cannot be read', error); });
  const content = text.replace(/\r?\n$/, '');
  if (content === '') throw unusable(variable, 'it is empty');
  return content;
}
function unusable(variable: string, why: string, cause?: unknown): EtlError {
  const text = `the file that it names cannot be used: ${why}`;
  return new EtlError('config.invalid', { problems: `${variable}: ${text}` }, { issues: [{ code: 'config', path: variable, text }], cause });
}

/** A URL with the password of a file, unless it carries one itself: then two would be one too many.
 * @throws EtlError `config.invalid` */
export async function urlWithPassword(url: string, variable: string, path: string | undefined): Promise<string> {
  const password = await secretFile(variable, path);
  if (password === undefined) return url;
  const parsed = new URL(url);
  if (parsed.password !== '') throw unusable(variable, 'the URL carries a password already');
  parsed.password = encodeURIComponent(password);
  return parsed.href;
}

export async function loginsOf(config: z.output<typeof persistenceConfig>): Promise<Logins> {
  const [url, relayUrl] = await Promise.all([
    urlWithPassword(config.ETL_PERSISTENCE_URL, 'ETL_PERSISTENCE_PASSWORD_FILE', config.ETL_PERSISTENCE_PASSWORD_FILE),
    urlWithPassword(config.ETL_PERSISTENCE_RELAY_URL, 'ETL_PERSISTENCE_RELAY_PASSWORD_FILE', config.ETL_PERSISTENCE_RELAY_PASSWORD_FILE)]);
  return { url, relayUrl };
}

export async function brokersOf(config: z.output<typeof messagingConfig>): Promise<Omit<KafkaOptions, 'clientId'>> {
  const read = (name: `ETL_MESSAGING_${'CA' | 'CERT' | 'KEY' | 'USERNAME' | 'PASSWORD'}_FILE`): Promise<string | undefined> => secretFile(name, config[name]);
  const [ca, cert, key, username = '', password = ''] = await Promise.all([
    read('ETL_MESSAGING_CA_FILE'), read('ETL_MESSAGING_CERT_FILE'), read('ETL_MESSAGING_KEY_FILE'), read('ETL_MESSAGING_USERNAME_FILE'), read('ETL_MESSAGING_PASSWORD_FILE')]);
  const { ETL_MESSAGING_BROKERS: brokers, ETL_MESSAGING_SASL: mechanism, ETL_MESSAGING_REPLICATION: replication, ETL_MESSAGING_PREFIX: prefix } = config;
  return {
    brokers: brokers.split(',').map((broker) => broker.trim()), prefix, ...(replication === undefined ? {} : { replication }),
    ...(config.ETL_MESSAGING_TLS === 'on' ? { tls: { ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) } } : {}), ...(mechanism === 'none' ? {} : { sasl: { mechanism, username, password } }),
  };
}
