import { z } from 'zod';
import { ConnectionName, Count, PipelineName, SafeText, Sha256 } from './ids.ts';

export const typeKinds = ['bool', 'i16', 'i32', 'i64', 'dec', 'f32', 'f64', 'text', 'bytes', 'date', 'time', 'ts', 'tstz', 'uuid', 'json', 'other'] as const;
export const ColumnType = z.object({
  kind: z.enum(typeKinds).describe('Logical type; `other` is a type that only its own engine knows.'),
  precision: z.int().optional().describe('Digits in all, for dec; absent means unbounded.'),
  scale: z.int().optional().describe('Digits after the point, for dec.'),
  labels: z.array(SafeText).min(1).max(1000).optional().describe('Values of an enumeration, in its own order; absent for everything else.'),
}).meta({ id: 'ColumnType', description: 'A type that every connector understands.' });
export type ColumnType = z.infer<typeof ColumnType>;

export const Column = z.object({
  name: SafeText.min(1).describe('Name as the engine spells it.'),
  type: ColumnType.describe('Logical type.'),
  native: z.string().describe("The engine's own spelling of the type, such as numeric(18,4)."),
  nullable: z.boolean().describe('Whether the engine allows NULL.'),
  filled: z.enum(['default', 'always']).optional().describe('What the engine puts there by itself: `default` where nothing is given, `always` where nothing may be given. Absent when it puts nothing.'),
}).meta({ id: 'Column', description: 'One column of a dataset.' });
export type Column = z.infer<typeof Column>;

export const DatasetRef = z.object({
  connection: ConnectionName.describe('Connection that reaches the dataset.'),
  dataset: SafeText.min(1).max(1000).describe('schema.table, the name of a table where there are no schemas, or a path below the root of the connection.'),
}).meta({ id: 'DatasetRef', description: 'Something addressable in a connection.' });
export type DatasetRef = z.infer<typeof DatasetRef>;

export const Position = z.object({
  pipeline: PipelineName.describe('Pipeline that wrote into the target.'),
  scope: Sha256.describe('What it holds for: source, columns, cursor and key.'),
  value: z.string().describe('Value of the cursor, as the source spells it.'),
}).meta({ id: 'Position', description: 'How far a pipeline has read its source, as the target keeps it: every row up to this value of the cursor has arrived.' });
export type Position = z.infer<typeof Position>;
export const ProfileNotice = z.object({
  code: z.string().describe('What was found, stable for scripts, such as mixed-as-text.'),
  column: z.string().describe('Column it is about.'),
  text: z.string().describe('A sentence with its number.'),
  instead: z.object({
    choice: z.string().describe('How the column could have been read instead.'), because: z.string().describe('Why it is not.'),
  }).describe('What lost.'),
}).meta({ id: 'ProfileNotice', description: 'How a column is read where its values leave a choice; a plan makes a Decision of it.' });
export type ProfileNotice = z.infer<typeof ProfileNotice>;

export const Profile = DatasetRef.extend({
  connector: z.string().describe('Connector of the connection, such as postgres or file.'),
  system: z.string().describe('What answers there, such as PostgreSQL 18.4 or parquet.'),
  exists: z.boolean().describe('False for a target that is still to be made.'),
  columns: z.array(Column).describe('Columns in their order; empty when it does not exist.'),
  primaryKey: z.array(z.string()).nullable().describe('Columns of the primary key, or null.'),
  uniqueKeys: z.array(z.array(z.string())).describe('Further unique keys whose columns are all NOT NULL.'),
  openKeys: z.array(z.array(z.string())).optional().describe('Keys that are unique among the current rows of a history only; absent when there are none.'),
  indexes: z.array(z.array(z.string())).describe('Leading columns of each index.'),
  rows: Count.describe('Row estimate from statistics, or exact where that is free.'),
  rowsExact: z.boolean().describe('Whether rows is exact.'),
  bytes: Count.describe('Bytes on disk at the source.'),
  pages: Count.nullable().describe('Pages of 8 KiB when rows lie in physical order that can be cut; else null.'),
  range: z.string().optional().describe('Whole-number column that names a row and that ranges of can be read by, such as rowid; absent when there is none.'),
  walLevel: z.string().nullable().describe('wal_level of a Postgres, else null.'),
  dependents: z.object({
    views: Count.describe('Views that read the table.'),
    foreignKeys: Count.describe('Foreign keys that point to it.'),
    policies: Count.describe('Row security policies on it.'),
    grants: Count.describe('Grants to roles other than the owner.'),
  }).describe('What a swap of the table would cut off.'),
  lacks: z.record(z.string(), z.string()).optional().describe('Rights on it that the login has not, such as UPDATE, each with the statement that gives it; absent when it has all.'),
  columnStats: z.record(z.string(), z.object({
    nullFraction: z.number().describe('Share of NULLs, from statistics, 0 to 1.'),
    distinct: z.number().nullable().describe('Distinct values as the engine estimates them, or null.'),
  })).describe('Statistics by column; may be empty.'),
  options: z.record(z.string(), z.string()).describe('How the dataset is read, such as the dialect of a CSV; proposed once, then part of the plan.'),
  origin: z.string().optional().describe('Which dataset this is, whatever address leads to it: system, database and object, where the engine tells.'),
  positions: z.array(Position).optional().describe('Of a target: how far each pipeline has read into the table that is there now.'),
  notices: z.array(ProfileNotice).optional().describe('What a person should know of how columns are read; absent when there is nothing.'),
  fingerprint: Sha256.describe('Digest of names, types and nullability: a change is drift.'),
}).meta({ id: 'Profile', description: 'What was observed about a dataset.' });
export type Profile = z.infer<typeof Profile>;

export const digestKinds = ['pg-frame', 'text-md5'] as const;
export const Digest = z.object({
  kind: z.enum(digestKinds).describe('How rows were hashed: over binary COPY frames, or over a canonical text with md5.'),
  rows: Count.describe('Rows that went in.'),
  a: z.string().regex(/^\d+$/).describe('Sum of the first lane, decimal.'),
  b: z.string().regex(/^\d+$/).describe('Sum of the second lane, decimal.'),
}).meta({ id: 'Digest', description: 'Order-free digest of rows: a count and two additive lanes of a row hash.' });
export type Digest = z.infer<typeof Digest>;

/** A digest as one word, `kind:rows:a:b`: what receipts hold. */
export const digestText = ({ kind, rows, a, b }: Digest): string => `${kind}:${rows}:${a}:${b}`;
/** Digests of parts add up to the digest of the whole. */
export const addDigests = (kind: Digest['kind'], parts: readonly Digest[]): Digest => ({
  kind, rows: parts.reduce((sum, { rows }) => sum + rows, 0),
  a: String(parts.reduce((sum, { a }) => sum + BigInt(a), 0n)), b: String(parts.reduce((sum, { b }) => sum + BigInt(b), 0n)),
});
