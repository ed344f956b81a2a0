// Rows of an answer as JSON says them, read from the engine's memory: what @duckdb/node-api does for every type, for those that control data has. Loading that package costs
// a child as much as everything else of its start, so it is loaded by the answer that needs it.
import duckdb from '@duckdb/node-bindings';
import { readColumn } from './chunk-columns.mjs';

const { BIGINT, BOOLEAN, DOUBLE, FLOAT, HUGEINT, INTEGER, SMALLINT, TINYINT, UBIGINT, UINTEGER, USMALLINT, UTINYINT, VARCHAR } = duckdb.Type;
const INLINE = 12;
/** JSON has no number for these. */
const finite = (value) => (Number.isFinite(value) ? value : String(value));
const text = (view, at, data) => {
  const length = view.getUint32(at, true);
  const bytes = length <= INLINE ? data.subarray(at + 4, at + 4 + length) : duckdb.get_data_from_pointer(data.buffer, data.byteOffset + at + 8, length);
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('utf8');
};
/** Bytes of a value, and how it is read. */
const PLAIN = {
  [BOOLEAN]: [1, (view, at) => view.getUint8(at) !== 0], [TINYINT]: [1, (view, at) => view.getInt8(at)], [UTINYINT]: [1, (view, at) => view.getUint8(at)],
  [SMALLINT]: [2, (view, at) => view.getInt16(at, true)], [USMALLINT]: [2, (view, at) => view.getUint16(at, true)],
  [INTEGER]: [4, (view, at) => view.getInt32(at, true)], [UINTEGER]: [4, (view, at) => view.getUint32(at, true)],
  [BIGINT]: [8, (view, at) => String(view.getBigInt64(at, true))], [UBIGINT]: [8, (view, at) => String(view.getBigUint64(at, true))],
  [HUGEINT]: [16, (view, at) => String((view.getBigInt64(at + 8, true) << 64n) + view.getBigUint64(at, true))],
  [FLOAT]: [4, (view, at) => finite(view.getFloat32(at, true))], [DOUBLE]: [8, (view, at) => finite(view.getFloat64(at, true))], [VARCHAR]: [16, text],
};

/** Names and readers of the columns of a result, or null where one is of another type, or two have one name. */
export function plainColumns(result) {
  const columns = Array.from({ length: duckdb.column_count(result) }, (_, index) => ({ name: duckdb.column_name(result, index), plain: PLAIN[duckdb.column_type(result, index)] }));
  return columns.every(({ plain }) => plain) && new Set(columns.map(({ name }) => name)).size === columns.length ? columns : null;
}
/** Its memory is read for as long as it lives. */
let held = null;
/** The rows of one chunk. */
export function plainRows(columns, chunk, rows) {
  held = chunk;
  const objects = Array.from({ length: rows }, () => ({}));
  columns.forEach(({ name, plain: [width, read] }, index) => {
    const { data, nulls } = readColumn(chunk, index, { rows, width });
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    const put = name === '__proto__' ? (row, value) => { Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true }); } : (row, value) => { row[name] = value; };
    for (let row = 0; row < rows; row += 1) put(objects[row], nulls !== null && nulls[row] ? null : read(view, row * width, data));
  });
  held = null;
  return objects;
}

/** Values of a statement, as the engine would take them for literals. */
export function bindValues(prepared, values) {
  values.forEach((value, index) => {
    const at = index + 1;
    if (value === null) duckdb.bind_null(prepared, at);
    else if (typeof value === 'string') duckdb.bind_varchar(prepared, at, value);
    else if (typeof value === 'boolean') duckdb.bind_boolean(prepared, at, value);
    else if (typeof value === 'bigint') duckdb.bind_hugeint(prepared, at, value);
    else if (typeof value !== 'number') throw new TypeError('a value must be text, a number, true, false or nothing');
    else if (!Number.isInteger(value)) duckdb.bind_double(prepared, at, value);
    else if (value >= -(2 ** 31) && value < 2 ** 31) duckdb.bind_int32(prepared, at, value);
    else duckdb.bind_int64(prepared, at, BigInt(value));
  });
}
