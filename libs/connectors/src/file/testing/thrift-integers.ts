/** An integer of a structure in Thrift's compact protocol, as footers and page headers of Parquet are.
 * @property path ids of the fields on the way, such as `4.3` for the third field of whatever the fourth holds; elements of lists have no id */
export interface ThriftInteger { readonly path: string; readonly at: number; readonly bytes: number }

const [BOOL_TRUE, BOOL_FALSE, BYTE, DOUBLE, BINARY, LIST, SET, STRUCT] = [1, 2, 3, 7, 8, 9, 10, 12];

/** Every integer of one structure, and where the structure ends. */
export function thriftIntegers(buffer: Buffer, from: number): { found: ThriftInteger[]; end: number } {
  const found: ThriftInteger[] = [];
  let at = from;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = buffer[at]!;
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const value = (type: number, path: string): void => {
    const begin = at;
    if (type === BYTE) at += 1;
    else if (type === DOUBLE) at += 8;
    else if (type === BINARY) { const length = varint(); at += length; }
    else if (type === LIST || type === SET) list(path);
    else if (type === STRUCT) struct(path);
    else if (type !== BOOL_TRUE && type !== BOOL_FALSE) {
      varint();
      found.push({ path, at: begin, bytes: at - begin });
    }
  };
  const list = (path: string): void => {
    const head = buffer[at]!;
    at += 1;
    const size = head >> 4 === 15 ? varint() : head >> 4;
    for (let nth = 0; nth < size; nth += 1) if ((head & 15) === BOOL_TRUE || (head & 15) === BOOL_FALSE) at += 1; else value(head & 15, path);
  };
  const struct = (path: string): void => {
    for (let id = 0; ;) {
      const head = buffer[at]!;
      at += 1;
      if (head === 0) return;
      id = head >> 4 === 0 ? zigzag(varint()) : id + (head >> 4);
      value(head & 15, path ? `${path}.${id}` : String(id));
    }
  };
  struct('');
  return { found, end: at };
}
const zigzag = (value: number): number => (value % 2 ? -(value + 1) / 2 : value / 2);
/** The same bytes with another number in as many bytes: the largest, the least, or none at all. */
export function lied(buffer: Buffer, { at, bytes }: ThriftInteger, lie: 'most' | 'least' | 'none'): Buffer {
  const copy = Buffer.from(buffer);
  const [filler, last] = { most: [0xfe, 0x7e], least: [0xff, 0x7f], none: [0x80, 0x00] }[lie] as [number, number];
  for (let nth = 0; nth < bytes; nth += 1) copy[at + nth] = nth === bytes - 1 ? last & 0x7f : filler | 0x80;
  return copy;
}
