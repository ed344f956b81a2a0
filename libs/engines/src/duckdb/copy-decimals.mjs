// Decimals as PostgreSQL's binary COPY has them (numeric_recv): number of digits of base 10,000, weight of the first, sign, digits behind the point, the digits. The point stands between
// two of them, so what is behind it is filled up to fours. Values that a double holds exactly are cut up as doubles, others as bigints.

const WORD = 2 ** 32;
const HEAD = 12;
const BASE = 10_000;
const DIGIT_BYTES = 2;

/** Unscaled values by the bytes that DuckDB keeps them in, as numbers; beyond what a double holds exactly they say no more than their sign. */
const NUMBERS = {
  2: ({ data }, rows) => { const cells = new Int16Array(data.buffer, data.byteOffset, rows); return (row) => cells[row]; },
  4: ({ data }, rows) => { const cells = new Int32Array(data.buffer, data.byteOffset, rows); return (row) => cells[row]; },
  8: ({ data }, rows) => { const cells = new Int32Array(data.buffer, data.byteOffset, rows * 2); return (row) => cells[row * 2 + 1] * WORD + (cells[row * 2] >>> 0); },
  16: ({ data }, rows) => {
    const cells = new Int32Array(data.buffer, data.byteOffset, rows * 4);
    return (row) => {
      const [high, sign] = [cells[row * 4 + 1], cells[row * 4 + 3] >> 31];
      const isShort = cells[row * 4 + 3] === sign && cells[row * 4 + 2] === sign && high >> 31 === sign;
      return isShort ? high * WORD + (cells[row * 4] >>> 0) : sign ? -Infinity : Infinity;
    };
  },
};
const BIGINTS = {
  8: ({ data }, row) => new DataView(data.buffer, data.byteOffset).getBigInt64(row * 8, true),
  16: ({ data }, row) => { const cells = new DataView(data.buffer, data.byteOffset); return (cells.getBigInt64(row * 16 + 8, true) << 64n) + cells.getBigUint64(row * 16, true); },
};

/** @param width bytes of a value in DuckDB
 * @param scale digits behind the point */
export function decimal({ width, scale }) {
  const fraction = Math.ceil(scale / 4);
  const fill = 10 ** (fraction * 4 - scale);
  const most = Math.floor(Number.MAX_SAFE_INTEGER / fill);
  const digitsOf = (column, row) => {
    const value = BIGINTS[width](column, row) * BigInt(fill);
    const digits = [];
    for (let rest = value < 0n ? -value : value; rest > 0n; rest /= 10_000n) digits.unshift(Number(rest % 10_000n));
    return digits;
  };
  const head = (out, place, { digits, sign }) => {
    out.setUint32(place, HEAD - 4 + DIGIT_BYTES * digits);
    out.setInt16(place + 4, digits);
    out.setInt16(place + 6, digits - fraction - 1);
    out.setUint16(place + 8, sign);
    out.setInt16(place + 10, scale);
  };
  const writeLong = (column, row, { at, out }, sign) => {
    const digits = digitsOf(column, row);
    head(out, at[row], { digits: digits.length, sign });
    digits.forEach((digit, index) => { out.setInt16(at[row] + HEAD + index * DIGIT_BYTES, digit); });
    at[row] += HEAD + digits.length * DIGIT_BYTES;
  };
  return {
    width, wire: null,
    measure: (column, rows, lengths) => {
      const { nulls } = column;
      const valueAt = NUMBERS[width](column, rows);
      for (let row = 0; row < rows; row += 1) {
        if (nulls !== null && nulls[row]) { lengths[row] += 4; continue; }
        const size = Math.abs(valueAt(row));
        lengths[row] += HEAD + (size <= most ? shortBytes(size * fill) : DIGIT_BYTES * digitsOf(column, row).length);
      }
    },
    write: (column, { rows, from, to }, target) => {
      const { nulls } = column;
      const { at, out } = target;
      const valueAt = NUMBERS[width](column, rows);
      for (let row = from; row < to; row += 1) {
        if (nulls !== null && nulls[row]) continue;
        const value = valueAt(row);
        const sign = value < 0 ? 0x4000 : 0;
        const size = Math.abs(value);
        if (size > most) { writeLong(column, row, target, sign); continue; }
        const place = at[row];
        const bytes = writeShort(out, place + HEAD, size * fill);
        head(out, place, { digits: bytes / DIGIT_BYTES, sign });
        at[row] = place + HEAD + bytes;
      }
    },
  };
}
/** Bytes of the digits of a whole number below 10 ** 16. */
const shortBytes = (size) => (size >= 1e8 ? (size >= 1e12 ? 8 : 6) : size >= BASE ? 4 : size > 0 ? 2 : 0);
function writeShort(out, place, size) {
  const top = Math.floor(size / 1e8);
  const rest = size - top * 1e8;
  const bytes = shortBytes(size);
  const first = (top / BASE) | 0;
  const third = (rest / BASE) | 0;
  if (bytes > 6) out.setInt16(place + bytes - 8, first);
  if (bytes > 4) out.setInt16(place + bytes - 6, top - first * BASE);
  if (bytes > 2) out.setInt16(place + bytes - 4, third);
  if (bytes > 0) out.setInt16(place + bytes - 2, rest - third * BASE);
  return bytes;
}
