import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConnectorHarness } from '../../connector.contract.ts';
import { aFolder } from './a-folder.ts';

const cell = (value: string | null): string => (value === null ? '' : `"${value.replaceAll('"', '""')}"`);
const line = (cells: readonly (string | null)[]): string => `${cells.map(cell).join(',')}\n`;

/** CSV files in, Parquet files out. */
export async function fileHarness(): Promise<ConnectorHarness> {
  const folder = await aFolder();
  return {
    open: () => folder.open(),
    target: (name) => `${name}.parquet`,
    async make(name, columns, rows) {
      await folder.write(`${name}.csv`, [columns, ...rows].map(line).join(''));
      return `${name}.csv`;
    },
    async addColumn(dataset) { await folder.write(dataset, 'id,label,note,more\n1,a,b,c\n'); },
    async leftovers() {
      const names = [...await readdir(folder.root), ...await readdir(folder.tools.scratch)];
      return names.filter((name) => !/^set_\d+\.(csv|parquet)$/.test(name)).length;
    },
    close: () => folder.drop(),
  };
}
