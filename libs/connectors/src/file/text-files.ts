import { EtlError } from '@agent-etl/contracts';
import { asUtf8 } from '@agent-etl/engines';
import { type CsvShape, shapeOfCsv } from './csv-profile.ts';
import { readEnds } from './file-folder.ts';
import type { CsvDialect } from './file-options.ts';
import type { SourceFile, SourceFiles } from './source-files.ts';
import { type TextHead, readTextHead } from './text-head.ts';

const SMALL = { plain: 32 * 1024 * 1024, packed: 4 * 1024 * 1024 };

/** What the heads of the files of a text dataset show: that of the first, and the shape of all of them where there are names before the rows. */
export interface TextLook { readonly head: TextHead; readonly shape: CsvShape | null }

/** Looks at the head of every file, and refuses one that has other columns than the first.
 * @throws EtlError `data.format-invalid` with the file, `profile.unusable` */
export async function lookAtTexts({ format, files, isFolder }: SourceFiles, known?: CsvDialect): Promise<TextLook> {
  const looks: (TextLook & { readonly name: string })[] = [];
  for (const file of files) {
    const [first] = looks;
    const head = await readTextHead(file.name, { path: file.path, ends: await readEnds(file.path) }, format);
    if (isFolder === 'folder' && head.reading === 'rewritten') throw new EtlError('data.format-invalid', { file: file.name, format: format.format, place: 'its first bytes', problem: 'a file in a folder has to be UTF-8 without a mark', ...(head.encoding === 'utf-8' ? {} : { next: asUtf8(file.name, 'UTF-16') }) });
    const dialect: CsvDialect | undefined = known ?? first?.shape?.dialect;
    const shape: CsvShape | null = format.format === 'csv' ? shapeOfCsv(file.name, head, { format, ...(dialect ? { known: dialect } : {}) }) : null;
    if (first && shape) refuseOtherNames(file, shape.names, { name: first.name, names: first.shape?.names ?? [] });
    if (!first) looks.push({ name: file.name, head, shape });
  }
  const [first] = looks;
  if (!first) throw new TypeError('a dataset has one file at least');
  return { shape: first.shape, head: isFolder === 'file' ? first.head : { ...first.head, size: sizeOf(files, format.compression === 'none' ? SMALL.plain : SMALL.packed) } };
}
const sizeOf = (files: readonly SourceFile[], limit: number): 'small' | 'large' => (files.reduce((sum, { bytes }) => sum + bytes, 0) <= limit ? 'small' : 'large');

function refuseOtherNames({ name }: SourceFile, found: readonly string[], first: { name: string; names: readonly string[] }): void {
  if (found.length === first.names.length && found.every((each, index) => each === first.names[index])) return;
  throw otherColumns(name, 'csv', { first: first.name, gone: first.names.filter((each) => !found.includes(each)), added: found.filter((each) => !first.names.includes(each)) });
}
/** Files of one dataset have the same columns in the same order: which file has not, and how it differs. */
export function otherColumns(file: string, format: string, { first, gone, added }: { first: string; gone: readonly string[]; added: readonly string[] }): EtlError {
  const diff = [...gone.map((each) => `without ${each}`), ...added.map((each) => `with ${each}`)].join(', ') || 'in another order';
  return new EtlError('data.format-invalid', { file, format, place: 'its columns', problem: `they are not those of ${first}: ${diff}` });
}
