// Numbers and times as PostgreSQL's binary COPY has them: what its receive functions take (boolrecv, int8recv, float8recv, date_recv, timestamp_recv, time_recv, uuid_recv).
// Every value is its length in four bytes and itself, most significant byte first. A row that is NULL is skipped: its length stands there already.
// Each encoder has a loop of its own: one that calls a function per value is never compiled into a plain loop.

const WORD = 2 ** 32;
/** Days and microseconds from 1970, where DuckDB counts from, to 2000, where PostgreSQL does. */
const EPOCH_DAYS = 10_957;
const EPOCH = { high: 220_417, low: 993_517_568 };
const [MAX_32, MIN_32] = [0x7fffffff, -0x80000000];
const isNull = (nulls, row) => nulls !== null && nulls[row] === 1;

/** Four bytes as they are: integers and floats. */
export const int32 = { width: 4, wire: 4, write: ({ data, nulls }, { rows, from, to }, { at, out }) => {
  const cells = new Uint32Array(data.buffer, data.byteOffset, rows);
  for (let row = from; row < to; row += 1) {
    if (isNull(nulls, row)) continue;
    const place = at[row];
    out.setUint32(place, 4);
    out.setUint32(place + 4, cells[row]);
    at[row] = place + 8;
  }
} };
/** Eight bytes as they are: integers, floats and times of the day. */
export const int64 = { width: 8, wire: 8, write: ({ data, nulls }, { rows, from, to }, { at, out }) => {
  const cells = new Uint32Array(data.buffer, data.byteOffset, rows * 2);
  for (let row = from; row < to; row += 1) {
    if (isNull(nulls, row)) continue;
    const place = at[row];
    out.setUint32(place, 8);
    out.setUint32(place + 4, cells[row * 2 + 1]);
    out.setUint32(place + 8, cells[row * 2]);
    at[row] = place + 12;
  }
} };
export const int16 = { width: 2, wire: 2, write: ({ data, nulls }, { rows, from, to }, { at, out }) => {
  const cells = new Int16Array(data.buffer, data.byteOffset, rows);
  for (let row = from; row < to; row += 1) {
    if (isNull(nulls, row)) continue;
    const place = at[row];
    out.setUint32(place, 2);
    out.setInt16(place + 4, cells[row]);
    at[row] = place + 6;
  }
} };
export const bool = { width: 1, wire: 1, write: ({ data, nulls }, { from, to }, { at, out }) => {
  for (let row = from; row < to; row += 1) {
    if (isNull(nulls, row)) continue;
    const place = at[row];
    out.setUint32(place, 1);
    out.setUint8(place + 4, data[row] ? 1 : 0);
    at[row] = place + 5;
  }
} };
/** DuckDB turns the first bit of a UUID, so that they sort as numbers. */
export const uuid = { width: 16, wire: 16, write: ({ data, nulls }, { rows, from, to }, { at, out }) => {
  const cells = new Uint32Array(data.buffer, data.byteOffset, rows * 4);
  for (let row = from; row < to; row += 1) {
    if (isNull(nulls, row)) continue;
    const place = at[row];
    out.setUint32(place, 16);
    out.setUint32(place + 4, cells[row * 4 + 3] ^ MIN_32);
    for (let word = 1; word < 4; word += 1) out.setUint32(place + 4 + word * 4, cells[row * 4 + 3 - word]);
    at[row] = place + 20;
  }
} };
/** The ends of the range stand for infinity on both sides; DuckDB's are symmetric. A day that PostgreSQL does not have is outside its range also where it wraps. */
export const date = { width: 4, wire: 4, write: ({ data, nulls }, { rows, from, to }, { at, out }) => {
  const cells = new Int32Array(data.buffer, data.byteOffset, rows);
  for (let row = from; row < to; row += 1) {
    if (isNull(nulls, row)) continue;
    const place = at[row];
    const days = cells[row];
    out.setUint32(place, 4);
    out.setInt32(place + 4, days === MAX_32 ? MAX_32 : days === -MAX_32 ? MIN_32 : days - EPOCH_DAYS);
    at[row] = place + 8;
  }
} };
/** Infinity as with dates. What lies so far back that it would wrap is moved to where the server still refuses it. */
export const timestamp = { width: 8, wire: 8, write: ({ data, nulls }, { rows, from, to }, { at, out }) => {
  const cells = new Int32Array(data.buffer, data.byteOffset, rows * 2);
  for (let row = from; row < to; row += 1) {
    if (isNull(nulls, row)) continue;
    const place = at[row];
    const high = cells[row * 2 + 1];
    let low = cells[row * 2] >>> 0;
    let moved = Math.max(high, MIN_32 + 2 * EPOCH.high) - EPOCH.high - (low < EPOCH.low ? 1 : 0);
    if (high === MAX_32 && low === WORD - 1) moved = MAX_32;
    else if (high === MIN_32 && low === 1) [moved, low] = [MIN_32, 0];
    else low -= EPOCH.low;
    out.setUint32(place, 8);
    out.setInt32(place + 4, moved);
    out.setInt32(place + 8, low);
    at[row] = place + 12;
  }
} };
