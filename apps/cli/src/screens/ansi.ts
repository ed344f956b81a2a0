const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const;
export type Tone = keyof typeof codes;
/** Puts a tone on a text, or leaves it alone where colours are off. */
export type Paint = (tone: Tone, text: string) => string;

const escape = '\u001b[';
export const colours: Paint = (tone, text) => (text === '' ? text : `${escape}${codes[tone][0]}m${text}${escape}${codes[tone][1]}m`);
export const plain: Paint = (_, text) => text;

/** Colours only for a terminal, and never against NO_COLOR (https://no-color.org) or --no-color. */
export const paintFor = ({ isTerminal, noColor, env }: { isTerminal: boolean | undefined; noColor: boolean | undefined; env: Readonly<Record<string, string | undefined>> }): Paint =>
  (isTerminal && !noColor && !env['NO_COLOR'] && env['TERM'] !== 'dumb' ? colours : plain);

// eslint's no-control-regex would refuse a literal: what a database sends must not steer the terminal of the one who reads it.
const controls = new RegExp('[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]', 'g');
/** Text from elsewhere, safe to print: control and direction characters become visible. */
export const printable = (text: string): string =>
  text.replaceAll(controls, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
