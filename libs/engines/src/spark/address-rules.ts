import { EtlError } from '@agent-etl/contracts';

/** Where a Spark Connect server listens. */
export interface SparkAddress { readonly host: string; readonly port: number; readonly tls: 'off' | 'on' }
const DEFAULT_PORT = 15_002;
const ADDRESS = /^sc:\/\/(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?\/?(?:;(.*))?$/;

/** Reads `sc://host:port/;use_ssl=true`, Spark's own spelling of an address. A token has no place in it: it would be stored and printed with the address.
 * @throws EtlError `config.invalid` */
export function sparkAddress(url: string): SparkAddress {
  const [, host, port, options = ''] = ADDRESS.exec(url) ?? [];
  const given = new Map(options.split(';').filter((each) => each !== '').map((each) => [each.split('=')[0] ?? '', each.split('=')[1] ?? '']));
  const unknown = [...given.keys()].find((name) => name !== 'use_ssl');
  const portNumber = port === undefined ? DEFAULT_PORT : Number(port);
  if (host === undefined || portNumber < 1 || portNumber > 65_535) throw new EtlError('config.invalid', { problems: 'the address of Spark is written sc://host:port, or sc://host:port/;use_ssl=true' });
  if (unknown !== undefined) throw new EtlError('config.invalid', { problems: `the address of Spark cannot say ${unknown === 'token' ? 'a token; give its reference in ETL_ENGINES_SPARK_TOKEN' : 'more than use_ssl'}` });
  return { host, port: portNumber, tls: given.get('use_ssl') === 'true' ? 'on' : 'off' };
}
