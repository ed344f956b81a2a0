export { type EngineHarness, describeQueryEngine, hostileTexts } from './query-engine.contract.ts';
export { describeSpark, sparkAt } from './spark/testing/spark-harness.ts';
