import type { Issue } from '@agent-etl/contracts';
import { LineCounter, type Scalar, isScalar, parseDocument } from 'yaml';
import { placeInText } from '../place-in-text.ts';

interface File { readonly text: string; readonly file: string }
/** Issues of a pipeline as a server tells them, each with file:line:column where the file has what it is about; of a text within, the very character.
 * A pointer that the file does not have stays as it is. */
export function issuesInFile<T extends Issue>(issues: readonly T[], { text, file }: File): T[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', schema: 'core', merge: false, logLevel: 'silent' });
  return issues.map((issue) => {
    const [, root, ...path] = issue.path.split('/');
    if (root !== 'pipeline' || !path.length) return issue;
    const node = document.getIn(path.map((part) => (/^\d+$/.test(part) ? Number(part) : part)), true);
    const start = (node as { readonly range?: readonly [number, number, number] } | undefined)?.range?.[0];
    if (start === undefined) return issue;
    const { line, col } = lines.linePos(start);
    const within = isScalar(node) && issue.offset !== undefined ? placeWithin(node, { source: text, start: { line, col, at: start }, offset: issue.offset }) : null;
    return { ...issue, path: [file, within?.line ?? line, within?.column ?? col].join(':') };
  });
}

interface Within { readonly source: string; readonly start: { readonly line: number; readonly col: number; readonly at: number }; readonly offset: number }
/** Where a character of a text stands in its file. Null where the file spells the text otherwise than it reads: folded, or with escapes. */
function placeWithin(node: Scalar, { source, start, offset: asked }: Within): { readonly line: number; readonly column: number } | null {
  const value = String(node.value);
  const offset = Math.min(asked, value.length);
  const { line, column } = placeInText(value, offset);
  if (node.type === 'BLOCK_LITERAL') {
    const said = value.split('\n')[line - 1] ?? '';
    const written = (source.split('\n')[start.line + line - 1] ?? '').replace(/\r$/, '');
    return written.endsWith(said) ? { line: start.line + line, column: written.length - said.length + column } : null;
  }
  const opening = node.type === 'PLAIN' ? 0 : 1;
  return line === 1 && source.startsWith(value.slice(0, offset), start.at + opening) ? { line: start.line, column: start.col + opening + offset } : null;
}
