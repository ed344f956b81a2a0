import { EtlError, SecretRef } from '@agent-etl/contracts';

export interface Reference { readonly text: string; readonly name: string; readonly field: string | null }

/** Splits `secret://name#field`. A value written where a reference belongs is refused without being repeated.
 * @throws EtlError `secret.reference-invalid` */
export function parseReference(text: string): Reference {
  if (!SecretRef.safeParse(text).success || text.includes('..')) throw new EtlError('secret.reference-invalid');
  const [name, field] = text.slice('secret://'.length).split('#') as [string, string?];
  return { text, name, field: field ?? null };
}

/** The one answer to a secret that is missing, empty or denied: who asks learns no more than that. */
export const notFound = ({ text }: Reference, hint: string, cause?: unknown): EtlError =>
  new EtlError('secret.not-found', { reference: text, hint }, cause === undefined ? {} : { cause });

/** Picks the field out of a stored text: JSON with fields, or one plain text when no field is asked for. */
export function pickField(stored: string, reference: Reference, hint: string): string {
  if (reference.field === null) return stored;
  const fields = parseFields(stored);
  const value = fields?.[reference.field];
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') throw notFound(reference, hint);
  return value;
}

function parseFields(stored: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(stored);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : null;
  } catch {
    return null; // a plain text has no fields: the caller answers not-found
  }
}
