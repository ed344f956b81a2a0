export { DuckChild, type DuckRow, type FrameOptions } from './duckdb/duck-child.ts';
export { ExpressionParser } from './duckdb/expression-parser.ts';
export { ParserChild } from './duckdb/parser-child.ts';
export { QueryParser } from './duckdb/query-parser.ts';
export { asUtf8 } from './duckdb/duck-failure-rules.ts';
export { type DuckOptions, grantEngines } from './duckdb/duck-options.ts';
export type { EngineRow, QueryEngine } from './query-engine.ts';
export { type SparkOptions, type SparkWrite, SparkSession } from './spark/spark-session.ts';
export { FifoFeed, FifoTap, makeFifo } from './duckdb/fifo.ts';
