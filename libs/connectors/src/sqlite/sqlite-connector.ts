import type { InspectResult, SqliteConnection } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import { FileGate } from '../file/file-gate.ts';
import type { Connector, ConnectorTools, OpenConnection } from '../port.ts';
import { tableNames } from './describe-table.ts';
import { type Place, openToRead, profileTable, systemOf } from './sqlite-profile.ts';
import { SqliteSink } from './sqlite-sink.ts';
import { SqliteSource } from './sqlite-source.ts';
import { columnName } from './table-name.ts';

const sql = sqlFor('sqlite');
const MOST_DATASETS = 5_000;
/** Tables of more rows are not counted for a list. */
const COUNTED = 100_000;

/** Tables of one SQLite 3 file of the worker, read and written with the SQLite that Node carries. */
export const sqliteConnector: Connector<SqliteConnection> = {
  view: { name: 'sqlite', says: 'tables of a SQLite 3 file on the worker', source: true, sink: true, tier: 'A' },
  async open(connection: SqliteConnection, tools: ConnectorTools): Promise<OpenConnection> {
    const place: Place = { connection, gate: await FileGate.open(connection, tools.fileRoots) };
    return {
      source: new SqliteSource(place),
      sink: new SqliteSink(place, tools),
      inspect: (want) => inspect(place, want),
      profile: (dataset, as) => profileTable(place, dataset, as),
      async close() { /* sessions close what they opened */ },
    };
  },
};

async function inspect(place: Place, want: 'test' | 'datasets'): Promise<InspectResult> {
  const { database } = await openToRead(place);
  try {
    const names = want === 'test' ? [] : tableNames(database).slice(0, MOST_DATASETS);
    const datasets = names.map((name) => {
      const [row] = database.run<{ n: number }>(compile(sql`SELECT count(*) AS n FROM (SELECT 1 FROM main.${columnName(name)} LIMIT ${COUNTED + 1})`));
      return { name, rows: row && row.n <= COUNTED ? row.n : null, bytes: null };
    });
    return { kind: 'inspect', system: systemOf(database), datasets };
  } finally {
    database.close();
  }
}
