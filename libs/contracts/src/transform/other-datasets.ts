import { z } from 'zod';
import { DatasetRef } from '../dataset.ts';
import { SafeText } from '../ids.ts';
import { OrderBy } from './order-by.ts';
import { joinKinds } from './combine.ts';

const Name = SafeText.min(1).max(255);
const ADDRESS = /^([a-z][a-z0-9_]{0,47})[.:](.+)$/s;
/** Address of a dataset in a pipeline. */
export const Address = SafeText.max(1049).regex(ADDRESS, 'must be connection:dataset, such as files:airports.csv or warehouse.mart.airports');
const Names = z.record(Name, Name).refine((columns) => Object.keys(columns).length > 0, 'names no column');
const on = Names.describe('Which column of the rows has to equal which of the other dataset, such as origin: iata.');
const TAKE = 'Columns of the other dataset that come with a row, by the names that they get, such as airport: name; they stand in the order of these names.';

export const JoinStep = z.object({
  right: Address.describe('The other dataset: connection:dataset.'),
  kind: z.enum(joinKinds).optional().describe('inner (when left out), left, right, full, semi: rows that find one, anti: rows that find none.'),
  on, take: Names.optional().describe(TAKE),
  nullSafe: z.boolean().optional().describe('Whether NULL finds NULL; it finds nothing when left out.'),
  matches: z.enum(['one', 'many']).optional().describe('one: a row that finds several stops the run, since it would come several times; what a left join means when left out. many: it comes as often as it finds one.'),
}).strict();
export const LookupStep = z.object({
  dim: Address.describe('The table in which rows are looked up: connection:dataset.'), on, take: Names.describe(TAKE),
  prefer: z.array(OrderBy).min(1).optional().describe('Which of several rows for one key is meant, the first of this order; without it several stop the run.'),
  onMiss: z.enum(['keep', 'drop', 'fail']).optional().describe('What becomes of a row that finds nothing: keep (when left out) with NULL, drop, or fail.'),
}).strict();
export const UnionStep = z.object({
  with: z.array(Address).min(1).max(16).describe('Datasets whose rows are added: connection:dataset each. Columns are matched by their names; one that is missing in some is NULL there.'),
  distinct: z.boolean().optional().describe('Whether equal rows become one.'),
}).strict();

interface NamesOthers { readonly join?: { readonly right: string } | undefined; readonly lookup?: { readonly dim: string } | undefined; readonly union?: { readonly with: readonly string[] } | undefined;
  readonly query?: { readonly with?: Readonly<Record<string, string>> | undefined } | undefined }
/** A stored object does not keep the order of its keys: relations of a query stand in the order of their names. */
export const relationsOf = ({ with: named = {} }: { readonly with?: Readonly<Record<string, string>> | undefined }): readonly (readonly [name: string, address: string])[] => Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1));
const addressesOf = ({ join, lookup, union, query }: NamesOthers): readonly string[] => [...(join ? [join.right] : []), ...(lookup ? [lookup.dim] : []), ...(union?.with ?? []), ...(query ? relationsOf(query).map(([, address]) => address) : [])];
/** The dataset that an address names. */
export function datasetAt(address: string): DatasetRef {
  const [, connection = '', dataset = ''] = ADDRESS.exec(address) ?? [];
  return { connection, dataset };
}
export const addressOf = ({ connection, dataset }: DatasetRef): string => `${connection}:${dataset}`;
/** Datasets besides the source that steps read, each once, in the order in which they are named. */
export function otherDatasets(steps: readonly NamesOthers[] = []): DatasetRef[] {
  const named = new Map(steps.flatMap(addressesOf).map((address) => { const found = datasetAt(address); return [addressOf(found), found] as const; }));
  return [...named.values()];
}
