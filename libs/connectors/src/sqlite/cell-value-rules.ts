import type { ColumnType } from '@agent-etl/contracts';

export type Bound = string | number | bigint | Uint8Array | null;
const [LEAST, MOST] = [-(2n ** 63n), 2n ** 63n - 1n];
const SAFE_DIGITS = 18;
const INFINITY = /^([+-]?)inf(inity)?$/i;

/** A cell of the text carrier as what is bound for it, or undefined for a value that SQLite would not keep as it is. Whole numbers are bound as text: the affinity of the column makes
 * the number, in 64 bits. NaN has no place: SQLite makes NULL of it. */
export function boundValue(text: string, { kind }: ColumnType): Bound | undefined {
  switch (kind) {
    case 'bool': return /^(t|true|1)$/i.test(text) ? 1n : /^(f|false|0)$/i.test(text) ? 0n : undefined;
    case 'i16': case 'i32': case 'i64': return isWhole(text) ? text : undefined;
    case 'f32': case 'f64': {
      const sign = INFINITY.exec(text)?.[1];
      const value = sign === undefined ? Number(text || 'NaN') : sign === '-' ? -Infinity : Infinity;
      if (Number.isNaN(value)) return undefined;
      return kind === 'f32' ? Math.fround(value) : value;
    }
    case 'bytes': return /^\\x([0-9a-f]{2})*$/i.test(text) ? hexBytes(text) : undefined;
    case 'dec': return /^nan$|inf/i.test(text) ? undefined : text;
    case 'date': case 'time': case 'ts': case 'tstz': case 'text': case 'uuid': case 'json': case 'other': return text;
  }
}
function isWhole(text: string): boolean {
  if (!/^-?\d+$/.test(text)) return false;
  if (text.length <= SAFE_DIGITS) return true;
  const value = BigInt(text);
  return value >= LEAST && value <= MOST;
}
const hexBytes = (text: string): Uint8Array => Buffer.from(text.slice(2), 'hex');

/** The affinity that SQLite gives a declared type, as a type of its own that has the same; empty for none. */
export function affinityOf(declared: string): '' | 'INTEGER' | 'TEXT' | 'REAL' | 'NUMERIC' {
  if (/int/i.test(declared)) return 'INTEGER';
  if (/char|clob|text/i.test(declared)) return 'TEXT';
  if (declared === '' || /blob/i.test(declared)) return '';
  return /real|floa|doub/i.test(declared) ? 'REAL' : 'NUMERIC';
}
