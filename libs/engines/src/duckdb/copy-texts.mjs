// Texts and bytes as PostgreSQL's binary COPY has them (textrecv, bytearecv, json_recv, jsonb_recv), copied from the engine's memory without being decoded.
import { textRuns } from './chunk-columns.mjs';

const WORD = 2 ** 32;
const INLINE = 12;
/** Longer texts are copied by the runtime, shorter ones word by word: its call costs more than they do. */
const LONG = 96;
const headersOf = ({ data }, rows) => new Uint32Array(data.buffer, data.byteOffset, rows * 4);

/** @param prefix bytes before the text: jsonb says its version, 1 */
const texts = (prefix) => ({
  width: 16, wire: null,
  measure: (column, rows, lengths) => {
    const { nulls } = column;
    const headers = headersOf(column, rows);
    for (let row = 0; row < rows; row += 1) lengths[row] += nulls !== null && nulls[row] ? 4 : 4 + prefix.length + headers[row * 4];
  },
  write: (column, { rows, from, to }, target) => {
    const headers = headersOf(column, rows);
    const inline = { low: 0, bytes: column.data, view: new DataView(column.data.buffer, column.data.byteOffset, column.data.length) };
    const runs = textRuns(column, headers, { from, to });
    let begin = from;
    for (const run of runs.length ? runs : [{ ...inline, to }]) {
      copyRows(column, { headers, prefix, begin, end: run === runs.at(-1) ? to : run.to, inline, run }, target);
      begin = run.to;
    }
  },
});
function copyRows({ nulls }, { headers, prefix, begin, end, inline, run }, { at, out, bytes }) {
  for (let row = begin; row < end; row += 1) {
    if (nulls !== null && nulls[row]) continue;
    const length = headers[row * 4];
    let place = at[row];
    out.setUint32(place, length + prefix.length);
    place += 4;
    for (const byte of prefix) out.setUint8(place++, byte);
    const isInline = length <= INLINE;
    const { view } = isInline ? inline : run;
    let from = isInline ? row * 16 + 4 : headers[row * 4 + 2] + headers[row * 4 + 3] * WORD - run.low;
    const stop = from + length;
    if (length > LONG) {
      bytes.set(run.bytes.subarray(from, stop), place);
      place += length;
    } else {
      for (; from + 4 <= stop; from += 4, place += 4) out.setUint32(place, view.getUint32(from));
      for (; from < stop; from += 1, place += 1) out.setUint8(place, view.getUint8(from));
    }
    at[row] = place;
  }
}
export const text = texts([]);
export const jsonb = texts([1]);
