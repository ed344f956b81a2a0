import type { Issue } from '@agent-etl/contracts';
import { fieldIssue } from './field-rules.ts';
import { head, scheduleKinds, tail } from './skeleton.ts';

const opening = "json.loads(r'''";
const closing = "'''";
// Gone from Airflow 3: a file that names one imports well and fails when it runs, which no linter sees.
const removed = /\b(?:sla|execution_date|next_execution_date|prev_execution_date|next_ds|prev_ds|tomorrow_ds|yesterday_ds|schedule_interval)\b|\{\{|\{%/;

/** What is wrong with the text of a DAG file, whoever made it: characters beyond printable ASCII, a literal that could end early, or code that is not the
 * reviewed constant text. Empty means: whatever a plan says, this file can only hand it to `json.loads`. */
export function lintDag(text: string): Issue[] {
  const issues: Issue[] = [];
  if (!/^[\x20-\x7e\n]*$/.test(text)) issues.push(fieldIssue('file', 'holds more than printable ASCII'));
  if (!text.endsWith('\n')) issues.push(fieldIssue('file', 'does not end in a line feed'));
  const from = text.indexOf(opening) + opening.length;
  const to = text.indexOf(closing, from);
  if (from < opening.length || to < 0) return [...issues, fieldIssue('literal', 'is not there')];
  return [...issues, ...literalIssues(text.slice(from, to)), ...skeletonIssues(text.slice(0, from), text.slice(to))];
}

function literalIssues(literal: string): Issue[] {
  if (literal.includes("'")) return [fieldIssue('literal', 'holds a quote that could end it')];
  if (/\\(?!u[0-9a-f]{4})/.test(literal)) return [fieldIssue('literal', 'holds a backslash that is no \\uXXXX')];
  try {
    JSON.parse(literal);
    return [];
  } catch {
    return [fieldIssue('literal', 'is not JSON')];
  }
}

function skeletonIssues(before: string, after: string): Issue[] {
  const planId = /sha256:([0-9a-f]{64})$/m.exec(before)?.[1] ?? '';
  const known = scheduleKinds.some((kind) => before === head(kind, planId) && after === tail(kind));
  const issues = known ? [] : [fieldIssue('code', 'is not the reviewed text around the literal')];
  return removed.test(before) || removed.test(after) ? [...issues, fieldIssue('code', 'names something that Airflow 3 has removed')] : issues;
}
