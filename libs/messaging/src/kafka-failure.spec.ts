import { describe, expect, it } from '@jest/globals';
import { kafkaFailure } from './kafka-failure.ts';

const wrapped = (cause: object): Error => Object.assign(new Error('retries exceeded'), { name: 'KafkaJSNumberOfRetriesExceeded', cause: Object.assign(new Error('inner'), { originalError: cause }) });

describe('kafkaFailure', () => {
  it.each([
    ['a login that is refused', { name: 'KafkaJSSASLAuthenticationError' }, 'config.invalid', 'Kafka refuses this login'], ['a certificate that nobody vouches for', { code: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'config.invalid', 'ETL_MESSAGING_CA_FILE'],
    ['another name in the certificate', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'config.invalid', 'not trusted'], ['nobody there', { code: 'ECONNREFUSED' }, 'platform.unavailable', 'Kafka']])(
    'says what it means: %s', (_, cause, code, words) => { expect(kafkaFailure(wrapped(cause))).toMatchObject({ code, message: expect.stringContaining(words) as unknown }); });
  it('does not follow causes in a circle', () => {
    const one: { cause?: unknown } = {};
    one.cause = one;
    expect(kafkaFailure(one).code).toBe('platform.unavailable');
  });
});
