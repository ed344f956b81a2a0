export type { ByteTarget, ChunkCounts, ChunkRange, ChunkWriter, Connector, ConnectorTools, FileLedger, FileScan, LedgerRow, OnRead, OpenConnection, Published, ReadCount, ReadOptions, ScannedFile, Sink, SinkSession, Source, SourceSession, Writer } from './port.ts';
export { type ConnectorName, connectorViews, connectors, mapColumnType, openConnection } from './registry.ts';
