import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SqliteConnection } from '@agent-etl/contracts';
import type { ConnectorHarness } from '../../connector.contract.ts';
import { type AFolder, aFolder } from '../../file/testing/a-folder.ts';
import type { OpenConnection } from '../../port.ts';
import { sqliteConnector } from '../sqlite-connector.ts';

/** A folder with a SQLite file in it, and an open connection of the test's own to that file. */
export interface ADatabase { readonly folder: AFolder; readonly connection: SqliteConnection; readonly admin: DatabaseSync; open(): Promise<OpenConnection>; drop(): Promise<void> }
export async function aSqlite(journal: 'wal' | 'delete' = 'wal'): Promise<ADatabase> {
  const folder = await aFolder();
  const connection: SqliteConnection = { name: 'lite', connector: 'sqlite', root: folder.root, file: 'shop.db' };
  const admin = new DatabaseSync(join(folder.root, 'shop.db'), { timeout: 5_000 });
  admin.exec(`PRAGMA journal_mode = ${journal}; PRAGMA synchronous = OFF; CREATE TABLE warm (id INTEGER)`);
  return { folder, connection, admin, open: () => sqliteConnector.open(connection, folder.tools), drop: async () => { admin.close(); await folder.drop(); } };
}
const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export async function sqliteHarness(): Promise<ConnectorHarness> {
  const { folder, admin, open, drop } = await aSqlite();
  return {
    open,
    target: (name) => name,
    async make(name, columns, rows) {
      admin.exec(`CREATE TABLE ${quote(name)} (${columns.map((column) => `${quote(column)} ${column === 'id' ? 'INTEGER' : 'TEXT'}`).join(', ')})`);
      const insert = admin.prepare(`INSERT INTO ${quote(name)} VALUES (${columns.map(() => '?').join(', ')})`);
      for (const row of rows) insert.run(...row);
      return name;
    },
    async addColumn(dataset) { admin.exec(`ALTER TABLE ${quote(dataset)} ADD COLUMN more TEXT`); },
    async leftovers() {
      const staged = admin.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name LIKE '\\_etl\\_s\\_%' ESCAPE '\\'").get() as { n: number };
      const files = [...await readdir(folder.root), ...await readdir(folder.tools.scratch)];
      return staged.n + files.filter((name) => !/^shop\.db(-wal|-shm)?$/.test(name)).length;
    },
    close: drop,
  };
}
