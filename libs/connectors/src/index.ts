export { pairCases, sinkCases, sourceCases } from './conformance-cases.ts';
export type { BucketSample, BucketSum, ByteTarget, ChunkCounts, ChunkRange, ChunkWriter, Connector, ConnectorTools, FileLedger, FileScan, HashAsk, HashedRow, HashedRows, LedgerRow, OnRead, OpenConnection, Published, Reached, ReadCount, ReadOptions, ScannedFile, Sink, SinkSession, SketchOptions, Source, SourceSession, Writer } from './port.ts';
export { type ConnectorName, connectorViews, connectors, mapColumnType, openConnection } from './registry.ts';
