import type { Expr } from '@agent-etl/contracts';
import { Refusal } from '../../refusal.ts';
import type { ForeignDialect } from './foreign-dialect.ts';

const call = (fn: string, ...args: Expr[]): Expr => ({ k: 'call', fn, args });
const text = (v: string): Expr => ({ k: 'lit', t: { kind: 'text' }, v });
const int = (n: number): Expr => ({ k: 'lit', t: { kind: 'i32' }, v: String(n) });
const bin = (op: '+' | '-' | '*' | '/' | '//' | '%', l: Expr, r: Expr): Expr => ({ k: 'bin', op, l, r });
const cast = (e: Expr, kind: 'date' | 'ts' | 'text'): Expr => ({ k: 'cast', e, to: { kind }, onError: 'fail' });
const textOf = (e: Expr | undefined): string | null => (e?.k === 'lit' && e.t.kind === 'text' ? e.v : null);
const part = (unit: string, e: Expr): Expr => call('date_part', text(unit), e);
const EPOCH: Expr = { k: 'lit', t: { kind: 'ts' }, v: '1970-01-01 00:00:00' };

/** @property at where the call stands in its text */
export interface Called { readonly args: readonly Expr[]; readonly dialect: ForeignDialect; readonly saysSimilar: boolean; readonly at: number | null }
type Rewrite = (called: Called) => Expr | null;
const needs = ({ args, at }: Called, ...counts: number[]): void => { if (!counts.includes(args.length)) throw new Refusal('SQL_ARITY', `This takes ${counts.join(' or ')} arguments here`, at); };

/** Borders of a unit between two times, as DuckDB counts them. */
function borders(unit: string, a: Expr, b: Expr): Expr | null {
  const seconds: Readonly<Record<string, number>> = { hour: 3_600, minute: 60, second: 1 };
  if (unit === 'day') return call('diff_days', cast(a, 'date'), cast(b, 'date'));
  if (unit === 'week') return bin('//', call('diff_days', cast(call('date_trunc', text('week'), a), 'date'), cast(call('date_trunc', text('week'), b), 'date')), int(7));
  if (unit === 'year') return bin('-', part('year', b), part('year', a));
  if (unit === 'quarter') return bin('+', bin('*', bin('-', part('year', b), part('year', a)), int(4)), bin('-', part('quarter', b), part('quarter', a)));
  if (unit === 'month') return bin('+', bin('*', bin('-', part('year', b), part('year', a)), int(12)), bin('-', part('month', b), part('month', a)));
  const size = Object.hasOwn(seconds, unit) ? seconds[unit] : undefined;
  if (size === undefined) return null;
  const floored = (e: Expr): Expr => call('date_trunc', text(unit), cast(e, 'ts'));
  return bin('//', call('floor', call('diff_seconds', floored(a), floored(b))), int(size));
}
const differences: Rewrite = (called) => {
  needs(called, 2, 3);
  const { args: [first, second, third], at, dialect } = called;
  if (!third) return dialect === 'spark' ? call('diff_days', cast(second!, 'date'), cast(first!, 'date')) : null;
  const counted = borders(textOf(first)?.toLowerCase().replace(/s$/, '') ?? '', second!, third);
  if (!counted) throw new Refusal('SQL_LITERAL', 'A difference counts years, quarters, months, weeks, days, hours, minutes or seconds', at);
  return counted;
};

const SLICES: Readonly<Record<string, readonly [number, number]>> = { Y: [1, 4], m: [6, 2], d: [9, 2], H: [12, 2], M: [15, 2], S: [18, 2] };
const POSTGRES: readonly (readonly [string, string])[] = [['YYYY', 'Y'], ['HH24', 'H'], ['MM', 'm'], ['DD', 'd'], ['MI', 'M'], ['SS', 'S'], ['IW', 'V'], ['Q', 'q']];
const SPARK: readonly (readonly [string, string])[] = [['yyyy', 'Y'], ['MM', 'm'], ['dd', 'd'], ['HH', 'H'], ['mm', 'M'], ['ss', 'S'], ['Q', 'q']];
/** A format as pieces of a time's own text, which is the same in every engine: `2024-05-01 13:45:00`. */
function formatted(e: Expr, format: string, called: Called): Expr {
  const pieces = piecesOf(format, called);
  const time = cast(cast(e, 'ts'), 'text');
  const shown = pieces.map((piece): Expr => {
    if (!('token' in piece)) return text(piece.plain);
    if (piece.token === 'q') return cast(part('quarter', e), 'text');
    if (piece.token === 'V') return call('lpad', cast(part('week', e), 'text'), int(2), text('0'));
    const [from, size] = SLICES[piece.token]!;
    return call('substring', time, int(from), int(size));
  });
  return shown.length === 1 ? shown[0]! : shown.reduce((l, r) => ({ k: 'bin', op: '||', l, r }));
}
type Piece = { readonly token: string } | { readonly plain: string };
function piecesOf(format: string, { dialect, at }: Called): readonly Piece[] {
  const pieces: Piece[] = [];
  const tokens = dialect === 'postgres' ? POSTGRES : SPARK;
  for (let rest = format; rest !== '';) {
    const percent = dialect === 'duckdb' ? /^%([YmdHMS])/.exec(rest) : null;
    const [spelled, token] = percent ? [percent[0], percent[1]!] : dialect === 'duckdb' ? [] : tokens.find(([name]) => rest.startsWith(name)) ?? [];
    const plain = token === undefined ? /^(?:"([^"]*)"|([ /,.:_T-]))/.exec(rest) : null;
    if (token !== undefined && spelled !== undefined) pieces.push({ token });
    else if (plain) pieces.push({ plain: plain[1] ?? plain[2] ?? '' });
    else throw new Refusal('SQL_LITERAL', 'This format is not supported: years of four digits, months, days, hours, minutes, seconds and signs between them', at);
    rest = rest.slice((spelled ?? plain?.[0] ?? rest).length);
  }
  if (!pieces.length) throw new Refusal('SQL_LITERAL', 'A format is needed', at);
  return pieces;
}
const format: Rewrite = (called) => {
  needs(called, 2);
  const [e, shape] = called.args;
  const spelled = textOf(shape);
  if (spelled === null) throw new Refusal('SQL_LITERAL', 'The format must be written out', called.at);
  return formatted(e!, spelled, called);
};

/** Parts that a dialect counts its own way. */
const datePart: Rewrite = (called) => {
  needs(called, 2);
  const [unit, e] = called.args;
  const name = textOf(unit)?.toLowerCase() ?? '';
  const plural: Readonly<Record<string, string>> = { years: 'year', months: 'month', days: 'day', hours: 'hour', minutes: 'minute', seconds: 'second', dayofyear: 'doy', weekofyear: 'week' };
  if (name === 'dow' || name === 'dayofweek') return bin('%', part('isodow', e!), int(7));
  if (name === 'epoch') return e!.k === 'bin' && e!.op === '-' ? call('diff_seconds', cast(e!.r, 'ts'), cast(e!.l, 'ts')) : call('diff_seconds', EPOCH, cast(e!, 'ts'));
  // Of a difference of days the days are the difference itself.
  if (name === 'day' && e!.k === 'bin' && e!.op === '-') return bin('//', call('trunc', call('diff_seconds', cast(e!.r, 'ts'), cast(e!.l, 'ts'))), int(86_400));
  return part(plural[name] ?? name, e!);
};
const partOfName = (unit: string): Rewrite => (called) => { needs(called, 1); return datePart({ ...called, args: [text(unit), called.args[0]!] }); };
const renamed = (fn: string): Rewrite => ({ args }) => call(fn, ...args);
const moved = (fn: 'shift_days' | 'shift_months', sign: 1 | -1): Rewrite => (called) => { needs(called, 2); const [e, n] = called.args; return call(fn, e!, sign === 1 ? n! : n!.k === 'lit' && n!.v !== null ? int(-Number(n!.v)) : { k: 'neg', e: n! }); };
const missing = (says: string): Rewrite => ({ at }) => { throw new Refusal('SQL_FUNCTION', says, at); };
const trimmed = (fn: 'ltrim' | 'rtrim' | 'trim'): Rewrite => ({ args, at }) => {
  if (args.length < 2 || textOf(args[1]) === ' ') return call(fn, args[0]!);
  if (fn !== 'trim') throw new Refusal('SQL_FUNCTION', 'Only blanks are trimmed on one side; trim(text, characters) does both', at);
  return call('trim_chars', ...args);
};
/** The parser says of ~ and of SIMILAR TO that the whole text matches. So it is in DuckDB; PostgreSQL's ~ looks for a piece. */
const tilde: Rewrite = ({ args: [value, pattern], dialect, saysSimilar, at }) => {
  const spelled = textOf(pattern);
  if (saysSimilar) throw new Refusal('SQL_FUNCTION', 'SIMILAR TO is not supported: use like', at);
  if (!value || spelled === null) throw new Refusal('SQL_LITERAL', 'The pattern must be written out', at);
  return call('regexp_like', value, text(dialect === 'duckdb' ? `^${spelled.replace(/^\^/, '').replace(/\$$/, '')}$` : spelled));
};
/** A piece whose place is computed: NULL where it begins before the text, or has less than no length. */
const sliced: Rewrite = ({ args }) => (args.slice(1).every((arg) => arg.k === 'lit') ? null : call('slice', ...args));
const beginning: Rewrite = ({ args: [value, size] }) => (value && size && size.k !== 'lit' ? call('slice', value, int(1), size) : null);
const logarithm: Rewrite = (called) => { needs(called, 1); return call(called.dialect === 'spark' ? 'ln' : 'log10', called.args[0]!); };
/** DuckDB and PostgreSQL leave NULLs out of concat; Spark's becomes NULL. */
const joined: Rewrite = ({ args, dialect }) => call('concat', ...(dialect === 'spark' ? args : args.map((arg) => call('coalesce', arg, text('')))));

/** What dialects call by another name, or count in another way: the same value in the functions of the registry. What is not here is looked up there. */
export const foreignFunctions: Readonly<Record<string, Rewrite>> = {
  add_months: moved('shift_months', 1), age: missing('age is not supported: subtract dates, or use date_diff'), approx_count_distinct: missing('approx_count_distinct is not in every engine: use count(distinct x)'),
  concat: joined, date: (called) => { needs(called, 1); return cast(called.args[0]!, 'date'); }, date_add: moved('shift_days', 1), date_diff: differences, date_format: format, date_part: datePart, date_sub: moved('shift_days', -1), datediff: differences, datepart: datePart,
  dayofweek: ({ args, at, dialect }) => { if (args.length !== 1) throw new Refusal('SQL_ARITY', 'This takes 1 argument', at); const dow = bin('%', part('isodow', args[0]!), int(7)); return dialect === 'spark' ? bin('+', dow, int(1)) : dow; },
  dayofyear: partOfName('doy'), div: (called) => { needs(called, 2); return bin('//', called.args[0]!, called.args[1]!); }, epoch: partOfName('epoch'), hash: missing('hash differs between engines: use md5 or sha256'), hour: partOfName('hour'), ifnull: renamed('coalesce'), iff: renamed('if'), iif: renamed('if'), isodow: partOfName('isodow'),
  last_day: (called) => { needs(called, 1); return call('shift_days', call('shift_months', call('date_trunc', text('month'), cast(called.args[0]!, 'date')), int(1)), int(-1)); },
  left: beginning, log: logarithm, ltrim: trimmed('ltrim'), minute: partOfName('minute'), mod: (called) => { needs(called, 2); return bin('%', called.args[0]!, called.args[1]!); }, nvl: renamed('coalesce'), pow: renamed('power'),
  random: missing('random gives other rows at every run: it is not supported'), rand: missing('rand gives other rows at every run: it is not supported'),
  regexp_full_match: tilde, rtrim: trimmed('rtrim'), second: partOfName('second'), strftime: format, substr: sliced, substring: sliced, to_char: format, to_date: (called) => { needs(called, 1); return cast(called.args[0]!, 'date'); },
  trim: trimmed('trim'), uuid: missing('uuid gives other rows at every run: it is not supported'), week: partOfName('week'), weekofyear: partOfName('week'),
};
