import { EtlError, type InspectResult, type MysqlConnection, type Profile } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import type { Connector, ConnectorTools, OpenConnection } from '../port.ts';
import { MysqlSession } from './mysql-session.ts';
import { noInfile } from './mysql-failure.ts';
import { MysqlSink } from './mysql-sink.ts';
import { MysqlSource } from './mysql-source.ts';
import { describeMysql, findMysql, fingerprintOf, mysqlTable } from './mysql-table.ts';
import { typeOfMysqlTarget } from './mysql-types-rules.ts';

const sql = sqlFor('mysql');
const MOST_DATASETS = 5_000;
/** Tables of fewer rows are counted: statistics of InnoDB guess. */
const COUNTED = 100_000;

/** Tables and views of a MariaDB or MySQL, read under one snapshot and written through staging. */
export const mysqlConnector: Connector<MysqlConnection> = {
  view: { name: 'mysql', says: 'InnoDB tables and views of MariaDB 10.6 or MySQL 8 and newer', source: true, sink: true, tier: 'A' },
  async open(connection: MysqlConnection, tools: ConnectorTools): Promise<OpenConnection> {
    const withSession = async <T>(work: (session: MysqlSession) => Promise<T>): Promise<T> => {
      const session = await MysqlSession.connect(connection, tools);
      try { return await work(session); } finally { await session.end(); }
    };
    return {
      source: new MysqlSource(connection, tools),
      sink: new MysqlSink(connection, tools),
      inspect: (want) => withSession((session) => inspect(session, want)),
      profile: (dataset, as) => withSession((session) => (as === 'target' ? profileTarget(session, dataset) : profile(session, dataset))),
      async close() { /* sessions close what they opened */ },
    };
  },
};
const systemOf = (version: string): string => (/mariadb/i.test(version) ? `MariaDB ${version.split('-')[0]}` : `MySQL ${version.split('-')[0]}`);

async function inspect(session: MysqlSession, want: 'test' | 'datasets'): Promise<InspectResult> {
  const [server] = await session.run<{ version: string }>(compile(sql`SELECT version() AS version`));
  const rows = want === 'test' ? [] : await session.run<{ name: string; n: string | null; bytes: string | null }>(compile(sql`SELECT TABLE_NAME AS name, TABLE_ROWS AS n, DATA_LENGTH AS bytes FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = database() AND TABLE_NAME NOT LIKE '|_etl|_%' ESCAPE '|' AND TABLE_TYPE IN ('BASE TABLE', 'VIEW') ORDER BY TABLE_NAME`));
  return { kind: 'inspect', system: systemOf(server?.version ?? ''), datasets: rows.slice(0, MOST_DATASETS).map(({ name, n, bytes }) => ({ name, rows: n === null ? null : Number(n), bytes: bytes === null ? null : Number(bytes) })) };
}
async function profile(session: MysqlSession, dataset: string): Promise<Profile> {
  const table = mysqlTable(dataset, session.context.database);
  const facts = await describeMysql(session, table);
  const isCounted = facts.rows < COUNTED;
  const [count] = isCounted ? await session.run<{ n: number | string }>(compile(sql`SELECT count(*) AS n FROM (SELECT 1 FROM ${table.quoted} LIMIT 200001) AS some`), table.name) : [];
  const rows = isCounted ? Number(count?.n ?? 0) : facts.rows;
  return {
    connection: session.context.connection, dataset, connector: 'mysql', system: systemOf(facts.version), exists: true, columns: [...facts.columns], primaryKey: facts.primaryKey,
    uniqueKeys: facts.indexes.filter(({ isSure }) => isSure).map(({ columns }) => columns), indexes: facts.indexes.map(({ columns }) => columns), rows, rowsExact: isCounted && rows <= 200_000, bytes: facts.bytes, pages: null,
    walLevel: null, dependents: { views: 0, foreignKeys: 0, policies: 0, grants: 0 }, columnStats: {}, options: {}, fingerprint: fingerprintOf(facts.columns), ...(facts.range === null ? {} : { range: facts.range }),
  };
}
/** @throws EtlError `connection.permission-denied` where the server loads nothing from its clients, `request.unsupported` for a view */
async function profileTarget(session: MysqlSession, dataset: string): Promise<Profile> {
  const table = mysqlTable(dataset, session.context.database);
  const [server] = await session.run<{ version: string; loads: number | string }>(compile(sql`SELECT version() AS version, @@local_infile AS loads`));
  if (Number(server?.loads) !== 1) throw noInfile(session.context.connection);
  const facts = await findMysql(session, table);
  if (facts?.isView) throw new EtlError('request.unsupported', { found: `${table.name}, a view`, allowed: 'a table' });
  if (facts) {
    const [keys] = await session.run<{ n: number | string }>(compile(sql`SELECT count(*) AS n FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ${table.database} AND ${table.name} IN (TABLE_NAME, REFERENCED_TABLE_NAME)`));
    const seen = await profile(session, dataset);
    return { ...seen, columns: seen.columns.map((column) => ({ ...column, type: typeOfMysqlTarget(column.native, facts.version) })), dependents: { views: 0, foreignKeys: Number(keys?.n ?? 0), policies: 0, grants: 0 } };
  }
  return {
    connection: session.context.connection, dataset, connector: 'mysql', system: systemOf(server?.version ?? ''), exists: false, columns: [], primaryKey: null, uniqueKeys: [], indexes: [], rows: 0, rowsExact: true, bytes: 0, pages: null,
    walLevel: null, dependents: { views: 0, foreignKeys: 0, policies: 0, grants: 0 }, columnStats: {}, options: {}, fingerprint: fingerprintOf([]),
  };
}
