import { z } from 'zod';

const file = z.string().min(1).optional();
/** What a deployed service reads to reach its brokers. A secret is named by the file that holds it: too many tools show environments. */
export const messagingConfig = z.object({
  ETL_MESSAGING_BROKERS: z.string().min(1).describe('Kafka brokers, host:port with commas between.'),
  ETL_MESSAGING_PREFIX: z.string().regex(/^([a-z0-9][a-z0-9_-]{0,30}\.)?$/, 'is a-z, 0-9, - and _, at most 31 of them, and a dot at the end').default('').describe('Put before the name of each topic and group on the cluster, such as `team-b.`, so that several releases share one; what we document has none.'),
  ETL_MESSAGING_CLIENT: z.enum(['kafkajs']).default('kafkajs').describe('Kafka client.'),
  ETL_MESSAGING_REPLICATION: z.coerce.number().int().min(1).max(9).optional().describe("Copies of each topic that `topics create` makes; the cluster's default when left out."),
  ETL_MESSAGING_TLS: z.enum(['off', 'on']).default('off').describe("on: the brokers' certificates are verified, names too."),
  ETL_MESSAGING_CA_FILE: file.describe('PEM file of the authority that vouches for the brokers; those that Node trusts when left out.'),
  ETL_MESSAGING_CERT_FILE: file.describe('PEM file of the certificate that the service shows (mTLS).'),
  ETL_MESSAGING_KEY_FILE: file.describe('PEM file of the private key to it.'),
  ETL_MESSAGING_SASL: z.enum(['none', 'plain', 'scram-sha-256', 'scram-sha-512']).default('none').describe('How the service says who it is; plain only over TLS.'),
  ETL_MESSAGING_USERNAME_FILE: file.describe('File that holds its name for SASL.'),
  ETL_MESSAGING_PASSWORD_FILE: file.describe('File that holds its password for SASL.'),
})
  .refine(({ ETL_MESSAGING_TLS: tls, ...given }) => tls === 'on' || !(given.ETL_MESSAGING_CA_FILE ?? given.ETL_MESSAGING_CERT_FILE ?? given.ETL_MESSAGING_KEY_FILE), { path: ['ETL_MESSAGING_TLS'], message: 'is off, but files for TLS are given' })
  .refine((given) => (given.ETL_MESSAGING_CERT_FILE === undefined) === (given.ETL_MESSAGING_KEY_FILE === undefined), { path: ['ETL_MESSAGING_KEY_FILE'], message: 'a certificate and its key belong together' })
  .refine((given) => given.ETL_MESSAGING_SASL === 'none' || (given.ETL_MESSAGING_USERNAME_FILE !== undefined && given.ETL_MESSAGING_PASSWORD_FILE !== undefined), { path: ['ETL_MESSAGING_SASL'], message: 'needs files with a name and a password' })
  // PLAIN sends the password as it is.
  .refine((given) => given.ETL_MESSAGING_SASL !== 'plain' || given.ETL_MESSAGING_TLS === 'on', { path: ['ETL_MESSAGING_SASL'], message: 'plain goes over TLS only' });
