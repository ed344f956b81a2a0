export interface Reference { readonly from: string; readonly to: string }

/** Tables in an order in which each comes after those that its rows refer to. A table that refers to itself is no obstacle: one COPY is one statement.
 * @throws RangeError for tables that refer to each other in a circle */
export function referredFirst(tables: readonly string[], references: readonly Reference[]): string[] {
  const left = new Set(tables);
  const ordered: string[] = [];
  while (left.size) {
    const ready = [...left].filter((table) => !references.some(({ from, to }) => from === table && to !== table && left.has(to)));
    if (ready.length === 0) throw new RangeError(`tables refer to each other in a circle: ${[...left].join(', ')}`);
    for (const table of ready) left.delete(table);
    ordered.push(...ready);
  }
  return ordered;
}
