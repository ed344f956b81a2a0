/** A value as JSON text with sorted keys and no spaces: RFC 8785 (JSON Canonicalization Scheme) for what our nouns hold, strings, safe numbers,
 * booleans, null, arrays, objects. Equal values give equal bytes; keys sort by UTF-16 units as the RFC asks. `undefined` members are left out.
 * @throws TypeError on a number that JSON cannot say, and on bigint, function or symbol */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('canonical JSON has no NaN or Infinity');
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
  }
  throw new TypeError(`canonical JSON has no ${typeof value}`);
}
