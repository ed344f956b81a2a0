const PART = '("(?:[^"]|"")+"|[^".]+)';
const RELATION = new RegExp(`^(?:${PART}\\.)?${PART}$`);
const unquoted = (part: string): string => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part);

/** Schema and name of a relation as a user types it: `schema.table`, or `table` of schema public; a part that holds a dot or a quote stands in double quotes, as in SQL.
 * Null where the text is none of these. Names are taken as written: no folding of case. */
export function relationParts(text: string): { readonly schema: string; readonly table: string } | null {
  const [, schema = 'public', table] = RELATION.exec(text) ?? [];
  return table === undefined ? null : { schema: unquoted(schema), table: unquoted(table) };
}
