// Chunks of DuckDB as CopyData messages of PostgreSQL's binary COPY: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format", and protocol-message-formats.html, "CopyData".
import duckdb from '@duckdb/node-bindings';
import { readColumn } from './chunk-columns.mjs';
import { decimal } from './copy-decimals.mjs';
import { bool, date, int16, int32, int64, timestamp, uuid } from './copy-numbers.mjs';
import { jsonb, text } from './copy-texts.mjs';

const { BIGINT, BLOB, BOOLEAN, DATE, DECIMAL, DOUBLE, FLOAT, INTEGER, SMALLINT, TIME, TIMESTAMP, TIMESTAMP_TZ, UUID, VARCHAR } = duckdb.Type;
/** What a column has to be here to be written as a type there. */
const WIRES = {
  boolean: [BOOLEAN, bool], smallint: [SMALLINT, int16], integer: [INTEGER, int32], bigint: [BIGINT, int64], real: [FLOAT, int32], 'double precision': [DOUBLE, int64], numeric: [DECIMAL, null],
  text: [VARCHAR, text], json: [VARCHAR, text], jsonb: [VARCHAR, jsonb], bytea: [BLOB, text], date: [DATE, date], time: [TIME, int64], timestamp: [TIMESTAMP, timestamp], timestamptz: [TIMESTAMP_TZ, timestamp], uuid: [UUID, uuid],
};
const DECIMAL_WIDTHS = { [SMALLINT]: 2, [INTEGER]: 4, [BIGINT]: 8, [duckdb.Type.HUGEINT]: 16 };
const MESSAGE = 0x64;
const HEAD = 5;
/** Bytes of a message at most, but for a single longer row. */
const LONGEST = 1 << 20;
/** What a server takes in one message. */
const MOST = 2 ** 30 - 1;
const SIGNATURE = [...Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), 0, 0, 0, 0, 0, 0, 0, 0];

function encoderOf(result, index, wire) {
  const [wanted, encoder] = WIRES[wire] ?? [];
  const found = duckdb.column_type(result, index);
  if (wanted === undefined || found !== wanted) throw new TypeError(`column ${index} of type ${found} has no form as ${wire}`);
  if (encoder) return encoder;
  const type = duckdb.column_logical_type(result, index);
  return decimal({ width: DECIMAL_WIDTHS[duckdb.decimal_internal_type(type)], scale: duckdb.decimal_scale(type) });
}
const framed = (content) => { const head = Buffer.alloc(HEAD); head[0] = MESSAGE; head.writeInt32BE(content.length + 4, 1); return Buffer.concat([head, Buffer.from(content)]); };

/** Two buffers in turns: one is written by us while the other is on its way. */
export class CopyFrames {
  first = framed(SIGNATURE);
  last = framed([0xff, 0xff]);
  #encoders;
  #base;
  #at = new Int32Array(duckdb.vector_size());
  #lengths = new Float64Array(duckdb.vector_size());
  /** Texts of it are read while it lives. */
  #chunk;
  #buffers = [Buffer.alloc(0), Buffer.alloc(0)];

  /** @param wires types of the target, one per column. @throws TypeError when a column is of another type */
  constructor(result, wires) {
    if (duckdb.column_count(result) !== wires.length) throw new TypeError(`${duckdb.column_count(result)} columns for ${wires.length} types`);
    this.#encoders = wires.map((wire, index) => encoderOf(result, index, wire));
    this.#base = 2 + this.#encoders.reduce((sum, { wire }) => sum + (wire === null ? 0 : 4 + wire), 0);
  }

  /** The rows of a chunk as messages. A message is overwritten by the second one after it. */
  *of(chunk, rows) {
    this.#chunk = chunk;
    const columns = this.#encoders.map(({ width }, index) => readColumn(this.#chunk, index, { rows, width }));
    this.#measure(columns, rows);
    for (let from = 0; from < rows;) {
      let to = from;
      let size = HEAD;
      for (; to < rows && (to === from || size + this.#lengths[to] <= LONGEST); to += 1) { this.#at[to] = size; size += this.#lengths[to]; }
      if (size > MOST) throw new Error(`Result Error: a row of ${size} bytes is more than a message holds`);
      yield this.#message(columns, { rows, from, to }, size);
      from = to;
    }
  }
  #measure(columns, rows) {
    const lengths = this.#lengths.fill(this.#base, 0, rows);
    this.#encoders.forEach(({ wire, measure }, index) => {
      const { nulls } = columns[index];
      if (wire === null) measure(columns[index], rows, lengths);
      else if (nulls !== null) for (let row = 0; row < rows; row += 1) if (nulls[row]) lengths[row] -= wire;
    });
  }
  #message(columns, range, size) {
    const buffer = this.#buffer(size);
    const target = { at: this.#at, out: new DataView(buffer.buffer, buffer.byteOffset, buffer.length), bytes: buffer };
    buffer[0] = MESSAGE;
    target.out.setUint32(1, size - 1);
    for (let row = range.from; row < range.to; row += 1) { target.out.setInt16(this.#at[row], columns.length); this.#at[row] += 2; }
    this.#encoders.forEach((encoder, index) => { writeNulls(columns[index], range, target); encoder.write(columns[index], range, target); });
    return buffer.subarray(0, size);
  }
  #buffer(size) {
    const [next = Buffer.alloc(0), other = Buffer.alloc(0)] = this.#buffers;
    const buffer = next.length >= size ? next : Buffer.allocUnsafeSlow(Math.max(size, LONGEST / 4));
    this.#buffers = [other, buffer.length > LONGEST ? Buffer.alloc(0) : buffer];
    return buffer;
  }
}
function writeNulls({ nulls }, { from, to }, { at, out }) {
  if (nulls === null) return;
  for (let row = from; row < to; row += 1) if (nulls[row]) { out.setInt32(at[row], -1); at[row] += 4; }
}
