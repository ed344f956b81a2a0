import type { Issue } from '@agent-etl/contracts';

/** Line and column of a character of a text, from 1. */
export function placeInText(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}
/** The issue with its place in the text said in words. */
export function withPlace(issue: Issue, text: string): Issue {
  if (issue.offset === undefined) return issue;
  const { line, column } = placeInText(text, issue.offset);
  return { ...issue, text: `${issue.text.replace(/\.$/, '')}, at line ${line}, column ${column} of the query.` };
}
