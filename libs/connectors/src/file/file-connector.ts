import type { FileConnection } from '@agent-etl/contracts';
import type { Connector, ConnectorTools, OpenConnection } from '../port.ts';
import { folderFailure, listFiles } from './file-folder.ts';
import { FileGate } from './file-gate.ts';
import { profileFile } from './file-profile.ts';
import { FileSink } from './file-sink.ts';
import { sketchFile } from './file-sketch.ts';
import { FileSource } from './file-source.ts';

/** Files below one folder of the worker: CSV, TSV, lines or an array of JSON objects, each also packed by gzip or zstd, and Parquet, read and written by DuckDB in a locked child process. */
export const fileConnector: Connector<FileConnection> = {
  view: { name: 'file', says: 'csv, tsv, ndjson and json files, each also packed as .gz or .zst, and parquet files on the worker, and folders of them', source: true, sink: true, tier: 'B' },
  async open(connection: FileConnection, tools: ConnectorTools): Promise<OpenConnection> {
    const gate = await FileGate.open(connection, tools.fileRoots);
    return {
      source: new FileSource(gate, tools),
      sink: new FileSink(gate, tools),
      async inspect(want) {
        try {
          const files = await listFiles(gate.root);
          const datasets = want === 'datasets' ? files.map(({ name, bytes }) => ({ name, rows: null, bytes })) : [];
          return { kind: 'inspect', system: `folder with ${files.length} files`, datasets };
        } catch (error) {
          throw folderFailure(error, { connection: connection.name, dataset: 'its folder', action: 'read' });
        }
      },
      profile: (dataset, as, bad) => profileFile(gate, dataset, { as, scratch: tools.scratch, ...(bad ? { bad } : {}) }),
      sketch: (task, options) => sketchFile(gate, task, { ...options, scratch: tools.scratch }),
      async close() { /* nothing is held */ },
    };
  },
};
