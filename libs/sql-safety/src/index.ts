export { type DigestColumn, postgresDigest, rowDigest } from './digest/row-digest.ts';
export { SQLITE_FUNCTIONS, sqliteConcat, sqliteRowText } from './digest/sqlite-row-text.ts';
export { type SqlCode, SqlSafetyError } from './errors.ts';
export { SqlIdentifier, identifier, isIdentifier } from './ident/identifier.ts';
export { relationParts } from './ident/relation-parts.ts';
export { type Dialect, SqlFragment, type SqlValue, joinSql, sqlFor } from './tag/fragment.ts';
export { literal } from './tag/literal.ts';
export { SafeSql, compile, isSafeSql } from './tag/safe-sql.ts';
export { typeName } from './tag/type-name.ts';
