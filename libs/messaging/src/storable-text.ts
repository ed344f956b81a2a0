/** Text as PostgreSQL can keep it: NUL and lone surrogates, which text and jsonb refuse, become U+FFFD.
 * Foreign keys, headers and names in error texts hold them; a message must not block its partition by being unstorable. */
export const storableText = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd');

/** JSON of a value whose every text, names included, is storable. */
export const storableJson = (value: unknown): string => JSON.stringify(cleaned(value));

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [storableText(name), cleaned(one)]));
}
