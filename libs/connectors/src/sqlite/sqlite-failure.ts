import { EtlError } from '@agent-etl/contracts';

/** What an error was about: it decides the words. */
export interface FailureContext { readonly connection: string; readonly file: string; readonly table?: string | undefined; readonly action: 'read' | 'write' }
interface SqliteError { readonly errcode?: number; readonly message: string }

const BUSY_SECONDS = 5;
const CONSTRAINTS: Readonly<Record<number, readonly [why: string, next: string]>> = {
  1555: ['a row with this key is there already, or two rows of the source have one key', 'load: upsert changes the rows that are there; other key columns tell rows apart'],
  2067: ['a row with this key is there already, or two rows of the source have one key', 'load: upsert changes the rows that are there; other key columns tell rows apart'],
  787: ['a row that it refers to is missing, or another table refers to a row that would go', 'load the table that it refers to first'],
  275: ['a check of the target says no', 'mend the value at the source, or the check at the target'],
  1299: ['a column that may not be NULL is NULL', 'give it a value at the source, or allow NULL at the target'],
  3091: ['a STRICT table takes no value of this type', 'mend the value at the source, or leave the column out with select'],
};

/** An error of SQLite in the words of the error table. Its own words stay in the cause: they may hold names and values. */
export function sqliteFailure(error: unknown, { connection, file, table, action }: FailureContext): unknown {
  const { errcode, message } = error as SqliteError;
  if (error instanceof EtlError || errcode === undefined) return error;
  const cause = { cause: error };
  const about = table ?? file;
  switch (errcode & 0xff) {
    case 5: case 6: return new EtlError(action === 'read' ? 'source.busy' : 'sink.busy', { dataset: about, target: about, seconds: BUSY_SECONDS }, cause);
    case 3: case 8: case 14: case 23: return new EtlError('connection.permission-denied', { connection, action: `to ${action} ${file}`, grant: `give the user of the worker the right to ${action} it and its folder` }, cause);
    case 10: return new EtlError('connection.interrupted', { connection, phase: action === 'read' ? 'reading' : 'writing' }, cause);
    case 11: case 26: return new EtlError('data.format-invalid', { file, format: 'SQLite 3', place: 'one of its pages', problem: 'it is damaged' }, cause);
    case 13: return new EtlError('platform.disk-full', { what: file }, cause);
    case 18: return new EtlError('data.row-too-large', { row: 'unknown', size: 'over 1 GB as text', limit: '1 GB' }, cause);
    case 19: {
      const [why = 'a constraint says no', next] = CONSTRAINTS[errcode] ?? [];
      return new EtlError('sink.constraint-violated', { constraint: why, ...(next ? { next } : {}) }, cause);
    }
    case 1: case 17: return /no such (table|column)|has no column|changed/.test(message) ? new EtlError('source.schema-drifted', { dataset: about, diff: 'a table or a column is gone' }, cause) : error;
    default: return error;
  }
}
