import { EtlError } from '@agent-etl/contracts';
import type { Compression, FileFormat } from './file-format-rules.ts';
import type { CsvDialect } from './file-options.ts';
import { rowLimitOf } from './long-rows.ts';
import { eachUnpacked } from './packed-file.ts';
import { RowLengths } from './row-lengths-rules.ts';

/** An engine holds a row many times over while it reads it: rows beyond this are what its memory goes to. */
const LONG_MB = 4;
interface Texts { readonly files: readonly { readonly name: string; readonly path: string }[]; readonly format: FileFormat['format']; readonly dialect: Pick<CsvDialect, 'delim' | 'header'> | null; readonly compression: Compression }

/** An error of reading texts, or `data.row-too-large` with the first long row where the engine had not memory enough: more of it would not help for long, and the row can be mended.
 * A second look over the bytes, that only such a failure pays for; one that fails says nothing. */
export async function beyondMemory(error: unknown, { files, format, dialect, compression }: Texts): Promise<unknown> {
  const rule = rowLimitOf(format, dialect, 'aside');
  if (!(error instanceof EtlError) || error.code !== 'query.memory-exceeded' || !rule) return error;
  const limit = LONG_MB * 2 ** 20;
  for (const { name, path } of files) {
    const rows = new RowLengths({ delimiter: rule.delimiter, limit });
    const isRead = await eachUnpacked(path, { dataset: name, compression }, (part) => { rows.add(part); return rows.firstTooLong === null ? 'more' : 'enough'; }).then(() => true, () => false);
    const row = isRead ? rows.firstTooLong : null;
    if (row === null) continue;
    return new EtlError('data.row-too-large', { row: `${Math.max(row - rule.before, 1)} of ${name}`, size: `over ${LONG_MB} MB long, and its engine has no memory for all that is made of it`, limit: 'that memory' }, { cause: error });
  }
  return error;
}
