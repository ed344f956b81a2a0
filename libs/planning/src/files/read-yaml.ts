import { EtlError, type Issue } from '@agent-etl/contracts';
import { type Document, LineCounter, type Node, isMap, isNode, isPair, isScalar, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { knownKeys } from './known-keys.ts';
import { nearestNames } from './nearest.ts';

/** Characters of one file at most; a person never writes more. */
export const MAX_FILE_CHARS = 256 * 1024;

interface Place { line: number; col: number }
interface Source { readonly file: string; readonly lines: LineCounter; readonly document: Document.Parsed }
const placeOf = ({ lines }: Pick<Source, 'lines'>, offset: number): Place => lines.linePos(offset);
const at = (source: Pick<Source, 'file' | 'lines'>, offset: number): string => {
  const { line, col } = placeOf(source, offset);
  return `${source.file}:${line}:${col}`;
};

/** Reads one YAML document of a closed format.
 * @param file name for messages only
 * @throws EtlError `request.too-large`; `request.malformed` on syntax, doubled keys, tags, anchors, aliases; `request.invalid` with one issue per thing that
 * does not fit the format. The path of each issue is file:line:column. */
export function readYaml<T extends z.ZodType>(schema: T, text: string, file: string): z.output<T> {
  if (text.length > MAX_FILE_CHARS) throw new EtlError('request.too-large', { what: file, size: `${text.length} characters`, limit: `${MAX_FILE_CHARS} characters` });
  const source = parseText(text, file);
  const parsed = schema.safeParse(source.document.toJS({ maxAliasCount: 0 }));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.flatMap((issue) => located(source, schema, issue));
  throw new EtlError('request.invalid', { pointer: issues[0]!.path, problem: withoutStop(issues[0]!.text) }, { issues });
}

const withoutStop = (text: string): string => text.replace(/\.$/, '');

function parseText(text: string, file: string): Source {
  const lines = new LineCounter();
  let document: Document.Parsed;
  try {
    document = parseDocument(text, { lineCounter: lines, version: '1.2', schema: 'core', merge: false, uniqueKeys: true, prettyErrors: false, logLevel: 'silent' });
  } catch (cause) {
    throw new EtlError('request.malformed', { format: 'YAML', problem: 'nested too deeply', line: 1 }, { cause, issues: [{ code: 'syntax', path: `${file}:1:1`, text: 'Nested too deeply.' }] });
  }
  const source = { file, lines, document };
  const issues = [...document.errors.map(({ code, message, pos }) => ({ code: code.toLowerCase().replaceAll('_', '-'), offset: pos[0], text: message })), ...forbidden(document)]
    .sort((a, b) => a.offset - b.offset).map(({ code, offset, text: said }) => ({ code, path: at(source, offset), text: sentence(said) }));
  const first = issues[0];
  if (first) {
    throw new EtlError('request.malformed', { format: 'YAML', problem: withoutStop(first.text), line: first.path.split(':').at(-2) }, { issues });
  }
  return source;
}
const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${withoutStop(text.slice(1))}.`;

/** Tags and anchors: a reader would have to know what they make of the text. */
function forbidden(document: Document.Parsed): { code: string; offset: number; text: string }[] {
  const found: { code: string; offset: number; text: string }[] = [];
  const add = (node: Node, code: string, text: string) => found.push({ code, offset: node.range?.[0] ?? 0, text });
  visit(document, {
    Alias: (_, node) => { add(node, 'alias', `alias *${node.source} is not allowed here; write the value again`); },
    Value: (_, node) => {
      if (node.anchor) add(node, 'anchor', `anchor &${node.anchor} is not allowed here`);
      if (node.tag) add(node, 'tag', `tag ${node.tag.slice(0, 80)} is not allowed here`); // set only where one was written
    },
  });
  for (const { code, message, pos } of document.warnings) found.push({ code: code.toLowerCase().replaceAll('_', '-'), offset: pos[0], text: message });
  return found;
}

function located(source: Source, schema: z.ZodType, issue: z.core.$ZodIssue): Issue[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, issue.path);
    return issue.keys.map((key) => {
      const near = nearestNames(key, known);
      const hint = near.length ? `did you mean ${near.join(' or ')}?` : `known here: ${known.join(', ')}.`;
      return { code: 'unknown-key', path: at(source, keyOffset(source, issue.path, key)), text: `Unknown key ${key}: ${hint}` };
    });
  }
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.map((errors) => errors.flatMap((inner) => located(source, schema, { ...inner, path: [...issue.path, ...inner.path] }))).sort((a, b) => a.length - b.length)[0];
    if (deepest?.length) return deepest;
  }
  const name = issue.path.map(String).join('.');
  return [{ code: issue.code, path: at(source, valueOffset(source, issue.path)), text: `${name ? `${name}: ` : ''}${sentence(issue.message)}` }];
}

function keyOffset({ document }: Source, path: readonly PropertyKey[], key: string): number {
  const map = path.length ? document.getIn(path, true) : document.contents;
  const pair = isMap(map) ? map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key) : undefined;
  return (isNode(pair?.key) ? pair.key.range?.[0] : undefined) ?? 0;
}
/** Where the value is, or the nearest thing above it that is there. */
function valueOffset(source: Source, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = source.document.getIn(path.slice(0, length), true);
    if (isNode(node)) return node.range?.[0] ?? 0;
  }
  return source.document.contents?.range?.[0] ?? 0;
}
