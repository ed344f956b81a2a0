import type { ColumnOptions, PrimaryColumnOptions } from 'typeorm';

const read = (value: Date | null): string | null => (value === null ? null : value.toISOString());
/** A timestamptz that is an ISO text in UTC with milliseconds on our side. */
export const instantColumn = (name: string, options: { nullable?: boolean } = {}): ColumnOptions => ({ type: 'timestamptz', name, ...options, transformer: { to: (value: string | null) => value, from: read } });
export const textColumn = (name: string, options: { nullable?: boolean } = {}): ColumnOptions => ({ type: 'text', name, ...options });
export const uuidColumn = (name: string, options: { nullable?: boolean } = {}): ColumnOptions => ({ type: 'uuid', name, ...options });
export const keyColumn = (name: string, type: 'uuid' | 'text'): PrimaryColumnOptions => ({ type, name });
