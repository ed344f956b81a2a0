import { EtlError } from '@agent-etl/contracts';

const UNTRUSTED = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)|CERT_\w+|ERR_TLS_CERT_\w+)$/;
/** The client wraps what happened in what it made of it. */
export function* causesOf(error: unknown): Generator<{ name?: unknown; code?: unknown; type?: unknown }> {
  for (let one = error, depth = 0; typeof one === 'object' && one !== null && depth < 8; depth += 1) {
    yield one;
    one = (one as { cause?: unknown }).cause ?? (one as { originalError?: unknown }).originalError;
  }
}

/** What a connection that did not come about means: `config.invalid` where only a person can mend it, else `platform.unavailable`. */
export function kafkaFailure(error: unknown): EtlError {
  const causes = [...causesOf(error)];
  if (causes.some(({ name }) => name === 'KafkaJSSASLAuthenticationError')) return invalid('ETL_MESSAGING_SASL', 'Kafka refuses this login: its name, password or mechanism is wrong', error);
  const code = causes.map((cause) => cause.code).find((one): one is string => typeof one === 'string' && UNTRUSTED.test(one));
  if (code) return invalid('ETL_MESSAGING_CA_FILE', `the certificate of Kafka is not trusted (${code})`, error);
  return new EtlError('platform.unavailable', { dependency: 'Kafka', kept: 'no' }, { cause: error });
}
const invalid = (path: string, text: string, cause: unknown): EtlError => new EtlError('config.invalid', { problems: `${path}: ${text}` }, { issues: [{ code: 'config', path, text }], cause });
