import { EtlError, type Issue, mendable, unknownKey } from '@agent-etl/contracts';
import { type Document, LineCounter, type Node, type YAMLError, isMap, isNode, isPair, isScalar, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { knownKeys } from './known-keys.ts';

/** Characters of one file at most; a person never writes more. */
export const MAX_FILE_CHARS = 256 * 1024;
/** Mistakes that are told at once; one that is early may make many that are none. */
const MOST_ISSUES = 20;

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
  if (source.document.contents === null) throw new EtlError('request.invalid', { pointer: `${file}:1:1`, problem: 'the file is empty' }, { issues: [{ code: 'empty', path: `${file}:1:1`, text: 'The file is empty.' }] });
  const parsed = schema.safeParse(source.document.toJS({ maxAliasCount: 0 }));
  if (parsed.success) return parsed.data;
  const issues = mendable(parsed.error.issues).flatMap((issue) => located(source, schema, issue)).slice(0, MOST_ISSUES);
  throw new EtlError('request.invalid', { pointer: issues[0]!.path, problem: withoutStop(issues[0]!.text) }, { issues });
}

const withoutStop = (text: string): string => text.replace(/\.$/, '');

function parseText(text: string, file: string): Source {
  const lines = new LineCounter();
  let document: Document.Parsed;
  try {
    // A second document is an error only when this level of the log is told.
    document = parseDocument(text, { lineCounter: lines, version: '1.2', schema: 'core', merge: false, uniqueKeys: true, prettyErrors: false, logLevel: 'error' });
  } catch (cause) {
    throw tooDeep(file, cause);
  }
  if (document.errors.some(({ message }) => /stack/i.test(message))) throw tooDeep(file, document.errors[0]);
  const source = { file, lines, document };
  const issues = [...document.errors.map((error) => ({ code: error.code.toLowerCase().replaceAll('_', '-'), offset: error.pos[0], text: saidOf(error, document) })), ...forbidden(document)]
    .sort((a, b) => a.offset - b.offset).slice(0, MOST_ISSUES).map(({ code, offset, text: said }) => ({ code, path: at(source, offset), text: sentence(said) }));
  const first = issues[0];
  if (first) {
    throw new EtlError('request.malformed', { format: 'YAML', problem: withoutStop(first.text), line: first.path.split(':').at(-2) }, { issues });
  }
  return source;
}
const tooDeep = (file: string, cause: unknown): EtlError =>
  new EtlError('request.malformed', { format: 'YAML', problem: 'nested too deeply', line: 1 }, { cause, issues: [{ code: 'syntax', path: `${file}:1:1`, text: 'Nested too deeply.' }] });
/** The reader's own words, but where they do not say what is there. */
function saidOf({ code, message, pos }: YAMLError, document: Document.Parsed): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here; one file holds one';
  if (code !== 'DUPLICATE_KEY') return message;
  let key: string | undefined;
  visit(document, { Pair: (_, pair) => { if (isScalar(pair.key) && pair.key.range?.[0] === pos[0]) key = String(pair.key.value); } });
  return key === undefined ? message : `key ${key} is there twice`;
}
const stopped = (text: string): string => (/[.?!]$/.test(text) ? text : `${text}.`);
const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${stopped(text.slice(1))}`;

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
    return issue.keys.map((key) => ({ code: 'unknown-key', path: at(source, keyOffset(source, issue.path, key)), text: sentence(unknownKey(key, known)) }));
  }
  const name = issue.path.map(String).join('.');
  return [{ code: issue.code, path: at(source, valueOffset(source, issue.path)), text: stopped(name ? `${name} ${issue.message}` : sentence(issue.message)) }];
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
