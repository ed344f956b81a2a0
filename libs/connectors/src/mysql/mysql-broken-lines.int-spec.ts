import { it } from '@jest/globals';
import { describeBrokenLines } from '../broken-lines.contract.ts';
import { testTools } from '../postgres/testing/postgres-harness.ts';
import { mysqlConnector } from './mysql-connector.ts';
import { aMysql, mysqlUrl } from './testing/mysql-harness.ts';

const url = mysqlUrl();
if (url === null) it.skip('needs a MariaDB', () => undefined);
else describeBrokenLines('mysql', async () => {
  const { connection, admin, drop } = await aMysql(url, `t_lines_${process.pid}`);
  await admin.query('CREATE TABLE `lines` (id INT PRIMARY KEY, v LONGTEXT); INSERT INTO `lines` SELECT seq, repeat(md5(seq), 3) FROM seq_1_to_20000');
  const count = async (statement: string): Promise<number> => Number(((await admin.query(statement)) as unknown as [{ n: number }[]])[0][0]?.n);
  return {
    server: { host: connection.host ?? '127.0.0.1', port: connection.port ?? 3306 },
    open: (at) => mysqlConnector.open({ ...connection, ...at }, testTools('lines')),
    async load(direct) {
      const profile = await direct.profile('lines', 'source');
      return {
        id: 'load', kind: 'load', engine: 'stream', source: { connection: profile.connection, dataset: 'lines' }, target: { connection: 'maria', dataset: 'lines_copy' },
        columns: profile.columns.map((column) => ({ source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: column.native, nullable: column.nullable })),
        carrier: 'text', chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 8192 }, sourceFingerprint: profile.fingerprint, options: {}, digest: 'text-md5' };
    },
    left: async () => ({
      staging: await count(`SELECT count(*) AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${connection.database}' AND TABLE_NAME REGEXP '^_etl_[sno]_'`),
      sessions: await count(`SELECT count(*) AS n FROM information_schema.PROCESSLIST WHERE DB = '${connection.database}' AND ID <> CONNECTION_ID()`),
    }),
    close: drop,
  };
});
