import { describeQueryEngine } from '@agent-etl/engines/testing';
import { sqlFor } from '@agent-etl/sql-safety';
import { PostgresSession } from './postgres-session.ts';
import { PostgresEngine } from './testing/postgres-engine.ts';
import { aDatabase, connectionTo, describeServer, testTools } from './testing/postgres-harness.ts';

const sql = sqlFor('postgres');
describeServer('the contract of query engines', (adminUrl) => {
  describeQueryEngine('postgres', async () => {
    const close = await aDatabase(adminUrl, 't_query_engine');
    return { slow: sql`SELECT count(*) AS n FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b WHERE a + b = 7`, close,
      open: async () => new PostgresEngine(await PostgresSession.connect(connectionTo(adminUrl, 't_query_engine'), { tools: testTools('query engine') })) };
  });
});
