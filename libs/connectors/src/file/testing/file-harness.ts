import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConnectorHarness } from '../../connector.contract.ts';
import { aFolder } from './a-folder.ts';

type Rows = readonly (readonly (string | null)[])[];
const cell = (value: string | null): string => (value === null ? '' : `"${value.replaceAll('"', '""')}"`);
const csvOf = (columns: readonly string[], rows: Rows): string => [columns, ...rows].map((cells) => `${cells.map(cell).join(',')}\n`).join('');

/** A row as an object; the first column of the suite is a number. */
const objectOf = (columns: readonly string[], row: readonly (string | null)[]): string => JSON.stringify(Object.fromEntries(columns.map((column, index) => [column, index === 0 && row[index] ? Number(row[index]) : row[index] ?? null])));
const jsonOf = (columns: readonly string[], rows: Rows): string => `[${rows.map((row) => objectOf(columns, row)).join(',\n')}]\n`;
const linesOf = (columns: readonly string[], rows: Rows): string => rows.map((row) => `${objectOf(columns, row)}\n`).join('');

/** What a harness writes and what it lets the connector write, by their endings; one that begins with a slash is a folder. A table without rows is made as a CSV: where there are no objects, there are no names. */
export interface HarnessFiles { readonly from: 'csv' | 'ndjson' | 'json'; readonly to: string }
const CONTENT = { csv: csvOf, ndjson: linesOf, json: jsonOf };
const MORE = { csv: 'id,label,note,more\n1,a,b,c\n', ndjson: '{"id":1,"label":"a","note":"b","more":"c"}\n', json: '[{"id":1,"label":"a","note":"b","more":"c"}]' };

/** Files of one format in, files of another out. */
export async function fileHarness({ from, to }: HarnessFiles = { from: 'csv', to: 'parquet' }): Promise<ConnectorHarness> {
  const folder = await aFolder();
  return {
    open: () => folder.open(),
    target: (name) => (to.startsWith('/') ? `${name}${to}` : `${name}.${to}`),
    async make(name, columns, rows) {
      const ending = rows.length ? from : 'csv';
      await folder.write(`${name}.${ending}`, CONTENT[ending](columns, rows));
      return `${name}.${ending}`;
    },
    async addColumn(dataset) { await folder.write(dataset, MORE[from]); },
    async leftovers() {
      const names = [...await readdir(folder.root, { recursive: true }), ...await readdir(folder.tools.scratch)];
      return names.filter((name) => !/^set_\d+(\.[a-z.]+|\/_manifest\.json|\/part-[0-9a-f]{40}\.[a-z.]+)?$/.test(name)).length;
    },
    close: () => folder.drop(),
  };
}
