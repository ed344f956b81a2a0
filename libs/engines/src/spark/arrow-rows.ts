import { DataType, type Field, type Vector, tableFromIPC } from 'apache-arrow';
import type { EngineRow } from '../query-engine.ts';

const WORD = 32n;
/** A decimal lies in 128 bits, two's complement, as four words with the least first; its point is in the type. */
function decimalText(words: Uint32Array, scale: number): string {
  const unsigned = [...words].reduceRight((sum, word) => (sum << WORD) | BigInt(word), 0n);
  const value = BigInt.asIntN(32 * words.length, unsigned);
  if (scale === 0) return String(value);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
function valueAt({ name, type }: Field, vector: Vector | null, index: number): unknown {
  const value: unknown = vector?.get(index) ?? null;
  if (value === null || DataType.isNull(type)) return null;
  if (typeof value === 'bigint') return String(value);
  if (DataType.isDecimal(type)) return decimalText(value as Uint32Array, type.scale);
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string') { if (DataType.isBool(type) || DataType.isInt(type) || DataType.isFloat(type) || DataType.isUtf8(type)) return value; }
  // A time would lose digits on its way through this library; whoever wants it casts it to a text.
  throw new TypeError(`column ${name}: values of ${String(type)} are no control data`);
}
/** The rows of one batch, which is a whole stream of Arrow's. */
export function rowsOf(batch: Uint8Array): EngineRow[] {
  const table = tableFromIPC(batch);
  const columns = table.schema.fields.map((field, at) => ({ field, vector: table.getChildAt(at) }));
  return Array.from({ length: table.numRows }, (_, index) => Object.fromEntries(columns.map(({ field, vector }) => [field.name, valueAt(field, vector, index)])));
}
