import type { ColumnType } from '@agent-etl/contracts';

/** A column that goes into the digest of a row. */
export interface DigestColumn { readonly name: string; readonly type: ColumnType }
