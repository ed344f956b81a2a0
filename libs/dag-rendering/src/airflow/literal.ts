/** What the one literal of a DAG file may hold. */
export type LiteralValue = string | number | boolean | null | readonly LiteralValue[] | { readonly [key: string]: LiteralValue };

// Escape first, quote second: inside the quotes of JSON nothing is left that could end a Python string, and no code unit outside ASCII.
const escaped = (text: string): string => {
  let out = '';
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    const plain = unit >= 0x20 && unit < 0x7f && unit !== 0x22 && unit !== 0x27 && unit !== 0x5c;
    out += plain ? text[at] : `\\u${unit.toString(16).padStart(4, '0')}`;
  }
  return `"${out}"`;
};
const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const members = (value: Readonly<Record<string, LiteralValue>>): string[] =>
  Object.keys(value).sort(byCodeUnit).map((key) => `${escaped(key)}: ${inline(value[key] ?? null)}`);

function inline(value: LiteralValue): string {
  if (typeof value === 'string') return escaped(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item: LiteralValue) => inline(item)).join(', ')}]`;
  return `{${members(value as Readonly<Record<string, LiteralValue>>).join(', ')}}`;
}

/** A value as the Python expression `json.loads(r'''…''')` reads it back: JSON with sorted keys, one line per member of the top, one per item of its lists.
 * Printable ASCII and LF only, no `'`, and every backslash starts `\uXXXX`, so it cannot end the raw string around it whatever the value says. Equal values give equal text. */
export function literalText(spec: Readonly<Record<string, LiteralValue>>): string {
  const lines = Object.keys(spec).sort(byCodeUnit).map((key) => {
    const value = spec[key] ?? null;
    const text = Array.isArray(value) && value.length ? `[\n ${value.map((item: LiteralValue) => inline(item)).join(',\n ')}]` : inline(value);
    return `${escaped(key)}: ${text}`;
  });
  return `{\n${lines.join(',\n')}}`;
}
