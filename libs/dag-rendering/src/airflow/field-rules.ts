import type { Issue } from '@agent-etl/contracts';

// Airflow takes much that its own database, parser or screens then choke on: a NUL or half a surrogate pair in one file ends the dag-processor for everybody.
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/u;
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u;
const length = (text: string): number => [...text].length;

const limits = { description: 1000, doc: 20_000, tag: 100, owner: 100, uri: 1000 } as const;

function freeText(text: string, most: number): string | null {
  if (!text.isWellFormed()) return 'holds half of a surrogate pair';
  if (text.includes('\0')) return 'holds NUL';
  if (control.test(text)) return 'holds a control character';
  return length(text) > most ? `is ${length(text)} characters long; the limit is ${most}` : null;
}

/** What is wrong with one field of a DAG, or null. Stricter than Airflow: whatever passes here imports, is stored and shows as it is. */
export const fieldRules = {
  dagId: (text: string) => (/^[a-z0-9_]{1,63}-[a-z0-9_]{1,120}$/.test(text) ? null : 'must be tenant-pipeline in a-z 0-9 _'),
  taskId: (text: string) => (text === 'receipt' ? 'is reserved for the last task' : /^[a-z][a-z0-9_]{0,119}$/.test(text) ? null : 'must be a-z first, then a-z 0-9 _, at most 120'),
  description: (text: string) => freeText(text, limits.description) ?? (text.includes('\n') ? 'must be one line' : null),
  doc: (text: string) => freeText(text, limits.doc) ?? (text.endsWith('\n') ? null : 'must end in a line feed'),
  tag: (text: string) => freeText(text, limits.tag) ?? (text.trim() === '' ? 'is empty' : /[\n\t]/.test(text) ? 'holds a control character' : null),
  owner: (text: string) => freeText(text, limits.owner) ?? (text.trim() === '' ? 'is empty' : text.includes(',') ? 'holds a comma, where Airflow would split it'
    : unprintable.test(text) ? 'holds a character that cannot be printed' : null),
  connection: (text: string) => (/^[a-z][a-z0-9_]{0,62}$/.test(text) ? null : 'must be a-z first, then a-z 0-9 _, at most 63'),
  planId: (text: string) => (/^[0-9a-f]{64}$/.test(text) ? null : 'must be a sha256 in hex'),
  start: (text: string) => (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(text) ? null : 'must be an instant in UTC'),
  assetName: (text: string) => (/^[a-z][a-z0-9_.]{0,199}$/.test(text) && text !== 'self' && text !== 'context' ? null : 'must be a-z first, then a-z 0-9 _ ., at most 200'),
  assetUri: (text: string) => (!/^[\x21-\x7e]+$/.test(text) || text.length > limits.uri ? `must be printable ASCII, at most ${limits.uri}`
    : /^postgres:\/\/[^/@?#]+:\d+\/[^/?#]+\/[^/?#]+\/[^/?#]+$/.test(text) || /^file:\/\/\/[^?#]*[^/?#]$/.test(text) ? null : 'is not in its canonical form'),
} as const satisfies Record<string, (text: string) => string | null>;
export type FieldRule = keyof typeof fieldRules;

/** One field that breaks its rule, for the list of an error. The value itself is not repeated. */
export const fieldIssue = (field: string, problem: string): Issue => ({ code: 'dag.invalid', path: `/${field}`, text: `${field} ${problem}` });

/** Our own derived words, made fit to be shown: what cannot be shown becomes U+FFFD, and a longer text is cut. For text that nobody typed, such as a column name in a sentence. */
export const shown = (text: string, most: number): string => {
  const clean = [...text.toWellFormed().replaceAll(new RegExp(control, 'gu'), '\ufffd')];
  return clean.length > most ? `${clean.slice(0, most - 1).join('')}…` : clean.join('');
};
