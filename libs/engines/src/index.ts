export { DuckChild, type DuckRow } from './duckdb/duck-child.ts';
export { ExpressionParser } from './duckdb/expression-parser.ts';
export { asUtf8 } from './duckdb/duck-failure-rules.ts';
export type { DuckOptions } from './duckdb/duck-options.ts';
export type { EngineRow, QueryEngine } from './query-engine.ts';
export { type SparkOptions, type SparkWrite, SparkSession } from './spark/spark-session.ts';
export { FifoFeed, FifoTap, makeFifo } from './duckdb/fifo.ts';
