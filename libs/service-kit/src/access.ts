import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { DEFAULT_TENANT, EtlError, TenantId, issuesOf, roles } from '@agent-etl/contracts';
import { z } from 'zod';

const Holder = z.object({
  name: z.string().min(1).max(100).describe('Who it is, for approvals and the audit log.'),
  role: z.enum(roles).describe('What the holder may do.'),
  tenantId: TenantId.optional().describe('Tenant; the default one when left out.'),
}).strict();
/** Bearer tokens with who holds them. A token has at least 16 characters. */
export const AccessTokens = z.record(z.string().min(16).max(512), Holder).refine((tokens) => Object.keys(tokens).length > 0, 'names no token');
export type AccessTokens = z.input<typeof AccessTokens>;
export interface Caller { readonly tenantId: string; readonly name: string; readonly role: (typeof roles)[number] }

const digestOf = (token: string): string => createHash('sha256').update(token).digest('base64');

/** Who may call. Holds digests only, so no dump of it shows a token, and a lookup says nothing by its timing. */
export class Access {
  readonly #callers = new Map<string, Caller>();

  /** @throws EtlError `config.invalid` */
  constructor(tokens: AccessTokens) {
    const parsed = AccessTokens.safeParse(tokens);
    // The path of an issue holds the token itself: only the sentences are shown.
    if (!parsed.success) throw refused([...new Set(issuesOf(parsed.error).map(({ text }) => text))].join('; '));
    for (const [token, { name, role, tenantId }] of Object.entries(parsed.data)) {
      this.#callers.set(digestOf(token), { name, role, tenantId: tenantId ?? DEFAULT_TENANT.id });
    }
  }

  /** Reads `{ "<token>": { "name": …, "role": …, "tenantId"?: … } }` from a file that nobody else can read; one that root owns, as a mounted secret of Kubernetes, may be read by a group.
   * @throws EtlError `config.invalid`, `secret.store-unsafe` */
  static async fromFile(file: string): Promise<Access> {
    const { mode, uid } = await stat(file).catch((cause: unknown) => { throw refused(`the file ${file} cannot be read`, cause); });
    if (mode & (uid === 0 ? 0o037 : 0o077)) throw new EtlError('secret.store-unsafe', { file });
    const text = await readFile(file, 'utf8');
    let tokens: AccessTokens;
    try { tokens = JSON.parse(text) as AccessTokens; } catch { throw refused(`the file ${file} is not JSON`); } // the parser's words quote the file
    return new Access(tokens);
  }

  /** Who holds the token. @throws EtlError `access.unauthenticated` */
  callerOf(token: string | null): Caller {
    const caller = token === null ? undefined : this.#callers.get(digestOf(token));
    if (!caller) throw new EtlError('access.unauthenticated');
    return caller;
  }
}

const refused = (problem: string, cause?: unknown): EtlError => new EtlError('config.invalid', { problems: `ETL_SERVICE_KIT_TOKENS: ${problem}` },
  { cause, issues: [{ code: 'config', path: 'ETL_SERVICE_KIT_TOKENS', text: problem }] });

/** The token of an Authorization header, or null. */
export const bearerOf = (header: string | undefined): string | null => /^Bearer ([\x21-\x7e]+)$/i.exec(header ?? '')?.[1] ?? null;
