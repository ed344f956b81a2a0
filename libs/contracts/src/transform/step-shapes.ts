import { z } from 'zod';
import { SafeText } from '../ids.ts';
import { SecretRef } from '../secret-ref.ts';
import { maskMethods } from './expr.ts';
import { OrderBy } from './order-by.ts';
import { aggregateFunctions, windowFunctions } from './transform.ts';

const Name = SafeText.min(1).max(255);
const Text = SafeText.min(1).max(8_192);
const Names = z.array(Name).min(1);

const Type = SafeText.min(1).max(63);
const JsonFields = z.array(z.object({
  as: Name.describe('Name of the value.'), path: z.array(z.union([SafeText.min(1).max(255), z.int().nonnegative().max(999_999)])).max(16).optional().describe('Keys, and places in lists from 0; left out: the document, or the item, itself.'),
  to: SafeText.min(1).max(63).optional().describe('Type, as in cast; text when left out. A number with a fraction has no one text: take it as double or decimal.'),
  onError: z.enum(['fail', 'null']).optional().describe('What a value that does not fit does: fail when left out.'),
}).strict()).min(1).max(500);
export const FlattenStep = z.object({
  column: Name.describe('Column whose text, or document, is a list of JSON. It stays.'), fields: JsonFields.describe('What is taken of an item. A path that leads nowhere, null, an object and a list are NULL.'),
  empty: z.enum(['keep', 'drop']).optional().describe('Whether a row without items stays, with NULL: drop when left out.'),
}).strict();
export const JsonStep = z.object({
  column: Name.describe('Column whose text, or document, is JSON. It stays.'), fields: JsonFields.describe('What is taken of it. A path that leads nowhere, null, an object and a list are NULL.'),
}).strict();
export const MaskStep = z.object({
  column: Name.describe('Column.'),
  method: z.enum(maskMethods).exclude(['token']).nullable().describe('null: nothing is left · fixed: the value that is given · last4: **** and the last four characters, of a text of 8 or more · sha256: its SHA-256 in hex, equal for equal values · hmac: its HMAC-SHA256 under the key of keyRef, in hex: as equal, and nobody without the key finds a value by trying.'),
  value: SafeText.max(1000).optional().describe('What stands there, for fixed.'),
  keyRef: SecretRef.optional().describe('Where the key of hmac lies, such as secret://masking#key.'),
}).strict();
export const TokenizeStep = z.object({
  column: Name.describe('Column.'), keyRef: SecretRef.describe('Where the key lies, such as secret://masking#key. Another key, other tokens.'),
  scope: z.string().regex(/^[a-z][a-z0-9_]{0,47}$/, 'must begin with a-z and go on with a-z 0-9 _, at most 48 characters').optional().describe('What the tokens are of, such as person: equal values have equal tokens within a scope, whatever dataset they stand in, and none that meet across scopes. default when left out.'),
  vault: z.unknown().optional().describe('Refused by name: tokens that can be turned back need a service that keeps what they stand for, which this release does not have.'),
}).strict();
export const PivotStep = z.object({
  by: z.array(Name).optional().describe('Columns that make a row; one row of all when left out.'), key: Name.describe('Column whose values become columns.'),
  values: z.array(z.object({
    value: z.union([z.string().max(1000), z.number(), z.boolean(), z.null()]).describe('Value of the key.'), as: Name.optional().describe('Name of its column; the value when left out.'),
  }).strict()).min(1).max(500).describe('The values that become columns; rows with others count for none.'),
  fn: z.enum(aggregateFunctions).describe('What becomes of the rows that have the value.'), arg: Text.optional().describe('What is aggregated; left out for count: rows.'),
}).strict();
export const SampleStep = z.object({
  key: Names.describe('Columns that name a row; rows of one key stay or go together.'), fraction: z.number().gt(0).max(1).describe('Share of the keys that stay, such as 0.1.'),
  seed: z.int().nonnegative().optional().describe('Another seed, another part; 0 when left out.'),
}).strict();
export const UnpivotStep = z.object({
  columns: Names.max(1000).describe('Columns that become rows, of types that one type holds.'), nameTo: Name.describe('Column that takes their names.'), valueTo: Name.describe('Column that takes their values.'),
  keep: z.array(Name).optional().describe('Columns that stay; all others when left out.'), nulls: z.enum(['keep', 'drop']).optional().describe('Whether a NULL makes a row: keep when left out.'),
}).strict();
export const WindowStep = z.object({
  partitionBy: z.array(Name).optional().describe('Columns that keep rows apart; all rows together when left out.'),
  orderBy: z.array(OrderBy).optional().describe('Which row comes first. Where two are equal all other columns decide, so that no engine does; ranks see them as equal.'),
  columns: z.array(z.object({
    as: Name.describe('Name of the column.'), fn: z.enum(windowFunctions).describe('Function.'), arg: Text.optional().describe('What it is of.'),
    offset: z.int().min(1).max(1_000_000).optional().describe('Rows between, for lag and lead; 1 when left out.'),
    rows: z.union([z.enum(['all', 'running']), z.int().nonnegative().max(1_000_000)]).optional().describe('Rows that count, for aggregates, first_value and last_value: all of the partition, running: those up to this one, or a number: this one and as many before it.'),
  }).strict()).min(1).describe('Columns that are added.'),
}).strict();
