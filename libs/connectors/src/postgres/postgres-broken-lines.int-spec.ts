import { describeBrokenLines } from '../broken-lines.contract.ts';
import { postgresConnector } from './postgres-connector.ts';
import { aDatabase, clientOf, connectionTo, describeServer, testTools } from './testing/postgres-harness.ts';

describeServer('postgres-broken-lines', (adminUrl) => {
  describeBrokenLines('postgres', async () => {
    const database = `t_lines_${process.pid}`;
    const drop = await aDatabase(adminUrl, database);
    const admin = await clientOf(adminUrl, database);
    await admin.query(`create table lines (id int primary key, v text); insert into lines select n, repeat(md5(n::text), 3) from generate_series(1, 20000) as n; analyze lines`);
    const url = new URL(adminUrl);
    return {
      server: { host: url.hostname, port: Number(url.port || 5432) },
      open: (at) => postgresConnector.open({ ...connectionTo(adminUrl, database), ...at }, testTools('lines')),
      async load(direct) {
        const profile = await direct.profile('public.lines', 'source');
        return {
          id: 'load', kind: 'load', engine: 'splice', source: { connection: profile.connection, dataset: 'public.lines' }, target: { connection: 'here', dataset: 'public.lines_copy' },
          columns: profile.columns.map((column) => ({ source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: column.native, nullable: column.nullable })),
          carrier: 'frames', chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 8192 }, sourceFingerprint: profile.fingerprint, options: {}, digest: 'pg-frame' };
      },
      async left() {
        const { rows } = await admin.query<{ staging: number; sessions: number }>(`select (select count(*)::int from pg_class where relnamespace = to_regnamespace('_etl') and relname like 's\\_%' and relkind = 'r') as staging,
          (select count(*)::int from pg_stat_activity where datname = current_database() and application_name = 'lines') as sessions`);
        return rows[0]!;
      },
      async close() {
        await admin.end();
        await drop();
      },
    };
  });
});
