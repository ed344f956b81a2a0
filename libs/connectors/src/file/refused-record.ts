import { EtlError } from '@agent-etl/contracts';
import type { DuckRow } from '@agent-etl/engines';
import type { ScannedFile } from '../port.ts';

/** Says of a record what is wrong with it, in the words of the error table. `found` has its row, what kind of problem it is, and its keys as JSON. */
export function refusedRecord(file: { readonly dataset: string; readonly layout: { readonly format: string } }, found: DuckRow, known: readonly string[] = []): EtlError {
  const keys = JSON.parse(String(found['keys'] ?? '[]')) as string[];
  const row = Number(found['row']);
  const about = { file: file.dataset, format: file.layout.format, place: `row ${row}` };
  const key = String(found['problem']) === 'duplicate key' ? keys.find((name, index) => keys.indexOf(name) !== index) : keys.find((name) => !known.includes(name));
  switch (String(found['problem'])) {
    case 'no object': return new EtlError('data.format-invalid', { ...about, problem: 'it is no object' });
    case 'duplicate key': return new EtlError('data.format-invalid', { ...about, problem: `the key ${key} stands there twice` });
    default: return new EtlError('data.format-invalid', { ...about, problem: `the key ${key} was not there when the file was profiled`, next: 'run it again: it is planned anew; or choose columns with from.select, and other keys are left out' });
  }
}

/** The engine names the file of a folder by its path, which is not what users see: the error gets its name. */
export function inItsFile(error: unknown, files: readonly ScannedFile[]): unknown {
  if (!(error instanceof EtlError) || files.length < 2 || error.details['file'] === undefined) return error;
  const said = error.cause instanceof Error ? error.cause.message : '';
  const file = files.find(({ path }) => said.includes(path));
  return file ? new EtlError(error.code, { ...error.details, file: file.name }, { cause: error.cause, ...(error.cell ? { cell: error.cell } : {}) }) : error;
}
