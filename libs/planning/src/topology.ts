/** Nodes so that each comes after all that point to it; ties in the given order. Null when there is a cycle or an edge to nowhere. */
export function topologicalOrder(nodes: readonly string[], edges: readonly (readonly [string, string])[]): string[] | null {
  if (edges.some(([from, to]) => !nodes.includes(from) || !nodes.includes(to))) return null;
  const order: string[] = [];
  const waiting = new Set(nodes);
  while (waiting.size) {
    const next = [...waiting].find((node) => edges.every(([from, to]) => to !== node || !waiting.has(from)));
    if (next === undefined) return null;
    waiting.delete(next);
    order.push(next);
  }
  return order;
}
