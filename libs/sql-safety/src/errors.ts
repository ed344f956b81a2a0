/** What a caller of this lib did wrong. Mistakes of users come back as issues elsewhere; these are ours, or names that no store can hold. */
export type SqlCode = 'SQL_NAME_INVALID' | 'SQL_VALUE_INVALID' | 'SQL_TYPE_INVALID' | 'SQL_TAG_MISUSED' | 'SQL_NOT_MINTED' | 'SQL_RENDER_MISMATCH';

export class SqlSafetyError extends Error {
  readonly code: SqlCode;
  constructor(code: SqlCode, says: string, options?: ErrorOptions) {
    super(says, options);
    this.name = 'SqlSafetyError';
    this.code = code;
  }
}
