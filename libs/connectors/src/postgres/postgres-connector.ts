import type { InspectResult, PostgresConnection } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import type { Connector, ConnectorTools, OpenConnection } from '../port.ts';
import { profileRelation } from './postgres-profile.ts';
import { PostgresSession } from './postgres-session.ts';
import { PostgresSink } from './postgres-sink.ts';
import { sketchRelation } from './postgres-sketch.ts';
import { PostgresSource } from './postgres-source.ts';
import { relationText } from './relation-name.ts';

const sql = sqlFor('postgres');
const MOST_DATASETS = 5_000;

/** Tables and views of a PostgreSQL, read and written by COPY. */
export const postgresConnector: Connector<PostgresConnection> = {
  view: { name: 'postgres', says: 'tables and views of PostgreSQL 13 or newer', source: true, sink: true, tier: 'A' },
  async open(connection: PostgresConnection, tools: ConnectorTools): Promise<OpenConnection> {
    const { resting: _, ...dialling } = tools;
    const withSession = async <T>(work: (session: PostgresSession) => Promise<T>, using: ConnectorTools = tools): Promise<T> => {
      const session = await PostgresSession.connect(connection, { tools: using });
      try { return await work(session); } finally { await session.end(); }
    };
    return {
      source: new PostgresSource(connection, tools),
      sink: new PostgresSink(connection, tools),
      inspect: (want) => withSession((session) => inspect(session, want), dialling), // a trial that does not dial tries nothing
      profile: (dataset, as) => withSession((session) => profileRelation(session, dataset, as)),
      sketch: (task, options) => withSession((session) => sketchRelation(session, task, options)),
      async close() { /* sessions close what they opened */ },
    };
  },
};

async function inspect(session: PostgresSession, want: 'test' | 'datasets'): Promise<InspectResult> {
  const [server] = await session.run<{ version: string }>(compile(sql`SELECT version() AS version`));
  const system = (server?.version ?? 'PostgreSQL').split(' ').slice(0, 2).join(' ');
  if (want === 'test') return { kind: 'inspect', system, datasets: [] };
  const rows = await session.run<{ schema: string; name: string; rows: number; bytes: string }>(compile(sql`
    SELECT n.nspname AS schema, c.relname AS name, c.reltuples::float8 AS rows, CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid) ELSE 0 END::text AS bytes
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema', '_etl') AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2 LIMIT ${MOST_DATASETS}`));
  return { kind: 'inspect', system, datasets: rows.map((row) => ({ name: relationText(row.schema, row.name), rows: row.rows < 0 ? null : Math.round(row.rows), bytes: Number(row.bytes) })) };
}
