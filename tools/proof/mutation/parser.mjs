/** DuckDB's parser as the specs ask it: the runner holds one, and what it said of a text once. */
export class ParserChild {
  tree(text) { return globalThis.mutation.tree(text); }
  async stop() { /* the runner's, for all of them */ }
}
