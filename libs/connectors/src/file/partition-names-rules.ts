/** Partitions of one folder at most: each is a folder, and a file at least. */
export const MOST_PARTITIONS = 1_000;
/** Name of the folder whose rows have no value; the word is Hive's, and every reader of such folders knows it. */
export const NO_VALUE = '__HIVE_DEFAULT_PARTITION__';

/** What Hive spells in percent: what a path takes for something else, and what no letter shows. */
const SPELLED = /["#%'*/:=?\\\x00-\x1f\x7f{[\]^]/g;
const spelled = (text: string): string => text.replaceAll(SPELLED, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
/** A text that is spelled as the word for no value is one all the same: its first letter goes in percent. */
const spelledValue = (value: string | null): string => (value === null ? NO_VALUE : value === NO_VALUE ? NO_VALUE.replace('_', '%5F') : spelled(value));

/** The folders of a partition, `year=2024/city=S%2FW`, as Hive, Spark and DuckDB name them. */
export const partitionFolder = (keys: readonly string[], values: readonly (string | null)[]): string => keys.map((key, index) => `${spelled(key)}=${spelledValue(values[index] ?? null)}`).join('/');

/** What a key of rows under way says: of each value its base64, behind a letter that tells the empty text from none. */
export function valuesOfKey(key: string): (string | null)[] {
  return key.split('.').map((part) => (part === '' ? null : Buffer.from(part.slice(1), 'base64').toString('utf8')));
}
/** The key of rows that have no value in any of so many columns. */
export const keyOfNothing = (columns: number): string => '.'.repeat(columns - 1);
