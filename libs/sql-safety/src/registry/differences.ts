/** One expression that PostgreSQL refuses by `data.value-out-of-range`, and what DuckDB answers. Its columns: `huge` is 1e308, `tiny` is 1e-308. */
interface Differing { readonly text: string; readonly duckdb: string }
const differing = (text: string, duckdb: string): Differing => ({ text, duckdb });

/** Where an engine does not do as the others, by name: all that is known, each with expressions that are tried on real engines.
 * To refuse on DuckDB what PostgreSQL refuses takes half as much time again for every step that multiplies doubles, and a query cannot say it once for a whole expression without printing it twice. */
export const differences = [
  { name: 'double-overflow', says: 'A double that grows beyond its bounds (`+ - * /`, `exp`, `power`) ends the run on PostgreSQL, and is infinite on DuckDB and Spark. Sums and averages of doubles are refused everywhere.',
    tried: [differing('huge * 10', 'inf'), differing('huge + huge', 'inf'), differing('-huge - huge', '-inf'), differing('huge / 0.1', 'inf'), differing('exp(huge)', 'inf'), differing('power(huge, 2)', 'inf'), differing('1 / (huge * 10) = 0', 'true')] },
  { name: 'double-underflow', says: 'A double that comes closer to 0 than a double can be ends the run on PostgreSQL, and is 0 on DuckDB and Spark.',
    tried: [differing('tiny * tiny', '0.0'), differing('tiny / huge', '0.0'), differing('exp(-huge)', '0.0')] },
] as const satisfies readonly { readonly name: string; readonly says: string; readonly tried: readonly Differing[] }[];
