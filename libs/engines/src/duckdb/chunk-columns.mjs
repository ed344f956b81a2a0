// Columns of a DuckDB chunk as bytes: what the C API documents of vectors (duckdb.h, duckdb_vector_get_data and duckdb_string_t), read in bulk, so that no value costs a call.
import duckdb from '@duckdb/node-bindings';

/** A text of at most this many bytes stands inside its own 16-byte header. */
const INLINE = 12;
/** Texts that lie closer than this are fetched by one call, with what lies between them: less than a page, so both ends being mapped means that all of it is. */
const GAP = 1_024;
/** Bytes of one call at most, but for a single longer text. */
const LONGEST_RUN = 1 << 20;
const WORD = 2 ** 32;

/** Values of one column, `width` bytes each, and 1 per row that is NULL, or null where none is. */
export function readColumn(chunk, index, { rows, width }) {
  const vector = duckdb.data_chunk_get_vector(chunk, index);
  return { data: duckdb.vector_get_data(vector, rows * width), nulls: nullsOf(duckdb.vector_get_validity(vector, Math.ceil(rows / 64) * 8), rows) };
}
function nullsOf(validity, rows) {
  if (!validity) return null;
  const nulls = new Uint8Array(rows);
  let any = 0;
  for (let row = 0; row < rows; row += 1) any |= nulls[row] = (validity[row >> 3] >> (row & 7) & 1) ^ 1;
  return any ? nulls : null;
}

/** The bytes of long texts of the rows [from, to), fetched in as few runs of memory as there are. A run holds rows up to `to`; the address of its first byte is `low`.
 * @param headers the 16-byte headers as 32-bit words */
export function textRuns({ data, nulls }, headers, { from, to }) {
  const runs = [];
  let [first, low, high] = [-1, 0, 0];
  const close = (end) => {
    const bytes = duckdb.get_data_from_pointer(data.buffer, data.byteOffset + first * 16 + 8, high - low);
    runs.push({ to: end, low, bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) });
  };
  for (let row = from; row < to; row += 1) {
    const length = headers[row * 4];
    if (length <= INLINE || (nulls !== null && nulls[row])) continue;
    const address = headers[row * 4 + 2] + headers[row * 4 + 3] * WORD;
    const end = address + length;
    const isNear = first >= 0 && address <= high + GAP && end + GAP >= low && Math.max(high, end) - Math.min(low, address) <= LONGEST_RUN;
    if (!isNear) {
      if (first >= 0) close(row);
      [first, low, high] = [row, address, end];
      continue;
    }
    if (address < low) [first, low] = [row, address];
    if (end > high) high = end;
  }
  if (first >= 0) close(to);
  return runs;
}
