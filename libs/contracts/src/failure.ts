import { z } from 'zod';
import { type ErrorCode, type ErrorRow, errorCodes, errorTable } from './error-table.ts';
import { mendable } from './issue-words.ts';

export const Issue = z.object({
  code: z.string().describe('What is wrong, as a code.'),
  path: z.string().describe('Where: a JSON pointer, or file:line:column.'),
  text: z.string().describe('One sentence.'),
  offset: z.int().nonnegative().optional().describe('Character of the text at the path that it is about, from 0, where that is known.'),
}).meta({ id: 'Issue', description: 'One thing that is wrong with an input.' });
export type Issue = z.infer<typeof Issue>;

export const Failure = z.object({
  code: z.enum(errorCodes).catch('platform.internal').describe('Row of the error table. A reader that is older than the row takes it for platform.internal.'),
  text: z.string().describe('One sentence, without row values, SQL, paths or stack.'),
  next: z.string().nullable().describe('What to do next, or null.'),
  issues: z.array(Issue).optional().describe('Each thing that is wrong, when there are several.'),
  cell: z.object({
    row: z.int().nullable().describe('1-based row in its chunk or file, where known.'),
    column: z.string().describe('Column the value goes to.'),
    value: z.string().describe('The value, at most 200 characters: only for the one who asked, never for logs.'),
    target: z.string().describe('Type that cannot hold it.'),
  }).optional().describe('The value that did not fit.'),
  rows: z.array(z.object({
    key: z.array(z.string().nullable()).describe('Values of the key, as text: only for the one who asked, never for logs.'),
    is: z.enum(['missing', 'strange', 'different']).describe('missing in the target, strange to the source, or different.'),
  })).optional().describe('Rows that differ between source and target, the first of them.'),
  traceId: z.string().nullable().describe('Quote it to find the log lines.'),
}).meta({ id: 'Failure', description: 'Why something failed, in the words of the error table.' });
export type Failure = z.infer<typeof Failure>;

type Details = Readonly<Record<string, unknown>>;
interface Extras { cause?: unknown; issues?: readonly Issue[]; cell?: Failure['cell']; rows?: Failure['rows'] }
const fill = (template: string, details: Details): string => template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
  const value = details[name];
  return value === undefined || value === null ? 'unknown' : String(value);
}).replace(/([.?!])\.$/, '$1');

/** An error of the table: thrown with a code and details, translated to HTTP, message or screen at the edge only. */
export class EtlError extends Error {
  readonly code: ErrorCode;
  readonly details: Details;
  readonly issues: readonly Issue[];
  readonly cell: Failure['cell'];
  readonly rows: Failure['rows'];
  constructor(code: ErrorCode, details: Details = {}, extras: Extras = {}) {
    super(fill(errorTable[code].says, details), extras.cause === undefined ? undefined : { cause: extras.cause });
    this.name = 'EtlError';
    this.code = code;
    this.details = details;
    this.issues = extras.issues ?? [];
    this.cell = extras.cell;
    this.rows = extras.rows;
  }
  get row(): ErrorRow { return errorTable[this.code]; }
  get next(): string | null {
    const given = this.details['next'];
    if (typeof given === 'string') return given;
    const { next } = this.row;
    if (!next) return null;
    const filled = fill(next, this.details);
    return filled === 'unknown' ? null : filled;
  }
}

/** Any thrown thing as a Failure. What is not ours becomes `platform.internal` and keeps its own words out of the answer. */
export function toFailure(error: unknown, traceId: string | null = null): Failure {
  if (error instanceof EtlError && error.code !== 'platform.internal') {
    return { code: error.code, text: error.message, next: error.next, traceId,
      ...(error.issues.length ? { issues: [...error.issues] } : {}), ...(error.cell ? { cell: error.cell } : {}), ...(error.rows ? { rows: error.rows } : {}) };
  }
  return { code: 'platform.internal', text: fill(errorTable['platform.internal'].says, { traceId: traceId ?? 'none' }), next: error instanceof EtlError ? error.next : null, traceId };
}

/** Issues that are told at once: the rest is often what the first ones made. */
const MOST_ISSUES = 20;
/** The issues of a failed parse, as JSON pointers and sentences. */
export const issuesOf = (error: z.core.$ZodError): Issue[] => mendable(error.issues).slice(0, MOST_ISSUES).map(({ path, message, code }) =>
  ({ code: code ?? 'invalid', path: `/${path.map(String).join('/')}`, text: message }));

/** Parses a value or throws `request.invalid` with every issue. */
export function parseOrThrow<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = issuesOf(parsed.error);
  throw new EtlError('request.invalid', { pointer: issues[0]?.path ?? '/', problem: issues[0]?.text ?? 'invalid' }, { issues });
}
