export { pageOf as quarantinePage } from './judged/quarantine-page-rules.ts';
export { columnOf as columnOfReason } from './judged/reason-rules.ts';
export { handedSource } from './hand-off/handed-source.ts';
export { JudgedRows } from './judged/judged-rows.ts';
export { pairCases, sinkCases, sourceCases } from './conformance-cases.ts';
export type { AsideRow, AsideRows, BucketSample, BucketSum, ByteTarget, ChunkCounts, ChunkRange, ChunkWriter, Connector, ConnectorTools, FileLedger, FileScan, HashAsk, HashedRow, HashedRows, LedgerRow, NewLedgerRow, OnRead, OpenConnection, Published, Reached, ReadCount, ReadOptions, ScannedFile, Sink, SinkSession, SketchOptions, Source, SourceSession, SparkPlace, Writer } from './port.ts';
export { RestingConnections, type TenantRest } from './resting-connections.ts';
export { sparkSource } from './spark/spark-source.ts';
export { type ConnectorName, connectorViews, connectors, mapColumnType, openConnection } from './registry.ts';
