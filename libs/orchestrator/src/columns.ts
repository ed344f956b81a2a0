const read = (value: Date | null): string | null => (value === null ? null : value.toISOString());
const asIs = (value: string | null): string | null => value;
type Nullable = { readonly nullable?: boolean };

/** A timestamptz that is an ISO text in UTC with milliseconds on our side. */
export const instantColumn = (name: string, options: Nullable = {}) => ({ type: 'timestamptz' as const, name, ...options, transformer: { to: asIs, from: read } });
export const textColumn = (name: string, options: Nullable = {}) => ({ type: 'text' as const, name, ...options });
export const uuidColumn = (name: string, options: Nullable = {}) => ({ type: 'uuid' as const, name, ...options });
export const keyColumn = (name: string, type: 'uuid' | 'text') => ({ type, name });
