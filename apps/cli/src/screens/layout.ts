import { printable } from './ansi.ts';

/** Width of every screen. */
export const screenWidth = 96;

/** Breaks a text at spaces into lines of at most `width` characters; a longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(/\s+/).filter(Boolean)) {
    if (line && line.length + 1 + word.length > width) { lines.push(line); line = word; } else line = line ? `${line} ${word}` : word;
  }
  return line || !lines.length ? [...lines, line] : lines;
}
/** @property indent blanks before the label · @property width of the label's column · @property painted the label as it is printed */
export interface Column { readonly indent?: number; readonly width?: number; readonly painted?: (label: string) => string }
/** A labelled paragraph: the label in its column, further lines below the text. */
export function labelled(label: string, text: string, { indent = 1, width = 7, painted = (plain) => plain }: Column = {}): string[] {
  const gutter = ' '.repeat(indent + width + 1);
  const head = `${' '.repeat(indent)}${painted(label)}${' '.repeat(Math.max(0, width - label.length))} `;
  return wrap(text, screenWidth - gutter.length).map((line, index) => (index === 0 ? head : gutter) + line);
}
/** Rows under a head, columns as wide as their widest cell; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const safe = rows.map((row) => row.map(printable));
  const widths = head.map((title, column) => Math.max(title.length, ...safe.map((row) => (row[column] ?? '').length)));
  const isNumber = head.map((_, column) => safe.length > 0 && safe.every((row) => /^[\d,. ]*$/.test(row[column] ?? '')));
  const line = (cells: readonly string[]): string =>
    ` ${cells.map((cell, column) => (isNumber[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ')}`.trimEnd();
  return [line(head), ...safe.map(line)];
}
